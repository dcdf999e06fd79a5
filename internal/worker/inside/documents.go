package inside

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/wire"
)

// documents are those a run has looked at or changed.
type documents struct {
	known   map[string][]byte // text by id, nil for a document that does not exist
	unread  []wire.Document   // not yet searched for links
	read    []string          // ids that were asked for or changed, in order
	isRead  map[string]bool
	changed []wire.Document
	index   map[string]int // in changed
	size    int            // bytes changed
	ahead   int            // documents to ask for before they are needed, the next time
}

func newDocuments(ahead []wire.Document) *documents {
	d := &documents{known: make(map[string][]byte, len(ahead)), isRead: map[string]bool{}, index: map[string]int{}, ahead: leastAhead}
	d.learn(ahead)
	return d
}

func (d *documents) learn(docs []wire.Document) {
	for _, doc := range docs {
		if _, twice := d.known[doc.ID]; !twice {
			d.known[doc.ID] = doc.Text
			d.unread = append(d.unread, doc)
		}
	}
}

// validID reports whether an id can be that of a document. Ids come from stored
// links, which anybody may have written.
func validID(id string) bool {
	return id != "" && len(id) <= wire.MaxIDBytes && utf8.ValidString(id)
}

// get is the text of a document, "" when it does not exist.
func (d *documents) get(r *run, id string) (string, error) {
	if !validID(id) {
		return "", nil
	}
	if err := d.ask(r, id); err != nil {
		return "", err
	}
	d.note(id)
	return string(d.known[id]), nil
}

func (d *documents) note(id string) {
	if !d.isRead[id] {
		d.isRead[id] = true
		d.read = append(d.read, id)
	}
}

// ask makes a document known. Documents that those known already link to are
// asked for on the way, since they are probably next.
func (d *documents) ask(r *run, id string) error {
	if _, known := d.known[id]; known {
		return nil
	}
	return d.fetch(r, append([]string{id}, d.linked(id)...))
}

func (d *documents) fetch(r *run, ids []string) error {
	room := charm.MaxDocumentsPerRun - len(d.known)
	if room <= 0 {
		return &ended{wire.ReasonLimit, fmt.Sprintf("the run looks at more than %d documents; a run may look at so many", charm.MaxDocumentsPerRun)}
	}
	ids = ids[:min(len(ids), room)]
	r.log.flush()
	docs, err := r.m.host.Documents(ids)
	if err != nil {
		return &ended{wire.ReasonHost, err.Error()}
	}
	d.learn(docs)
	if _, known := d.known[ids[0]]; !known {
		return &ended{wire.ReasonHost, fmt.Sprintf("document %s was not served", ids[0])}
	}
	return nil
}

// Documents asked for before they are needed. A run that goes on asking walks a
// long list, so each question is for twice as many as the one before.
const (
	leastAhead = 64
	mostAhead  = 1024
)

const idLength = 59

var linkMark = []byte(`{"/":"baedrei`)

// linked finds ids that documents link to and that are not known, without
// parsing. What it takes wrongly for a link costs a needless answer at most.
func (d *documents) linked(but string) []string {
	var ids []string
	found := map[string]bool{but: true}
	for len(d.unread) > 0 && len(ids) < d.ahead {
		text := d.unread[0].Text
		i := bytes.Index(text, linkMark)
		start := i + len(`{"/":"`)
		if i < 0 || start+idLength > len(text) {
			d.unread = d.unread[1:]
			continue
		}
		id := string(text[start : start+idLength])
		d.unread[0].Text = text[start:]
		if _, known := d.known[id]; !known && !found[id] && isBase32(id) {
			found[id] = true
			ids = append(ids, id)
		}
	}
	d.ahead = min(2*d.ahead, mostAhead)
	return ids
}

// isBase32 reports whether s has no character that an entity id has not.
func isBase32(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// put takes the new text of a document; its later text counts.
func (d *documents) put(id, text string) error {
	switch {
	case !validID(id):
		return &ended{wire.ReasonRuntime, "a document without a valid id was changed"}
	case len(text) > charm.MaxDocumentBytes:
		return &ended{wire.ReasonLimit, fmt.Sprintf("document %s would be %d bytes; at most %d can be stored", id, len(text), charm.MaxDocumentBytes)}
	}
	if err := jsontext.CheckDepth([]byte(text), charm.MaxDepth); err != nil {
		return &ended{wire.ReasonLimit, fmt.Sprintf("document %s is %v", id, err)}
	}
	i, again := d.index[id]
	if again {
		d.size -= len(d.changed[i].Text)
	} else {
		i = len(d.changed)
		d.index[id] = i
		d.changed = append(d.changed, wire.Document{ID: id})
	}
	d.changed[i].Text = []byte(text)
	if d.size += len(text); d.size > charm.MaxChangesetBytes {
		return &ended{wire.ReasonLimit, fmt.Sprintf("the run would change %d bytes of documents; at most %d can be stored at once", d.size, charm.MaxChangesetBytes)}
	}
	return nil
}

// askForNew asks for the changed documents that were not looked at, so that the
// commit knows what they replace.
func (d *documents) askForNew(r *run) error {
	var unknown []string
	for _, doc := range d.changed {
		d.note(doc.ID)
		if _, known := d.known[doc.ID]; !known {
			unknown = append(unknown, doc.ID)
		}
	}
	for len(unknown) > 0 {
		if err := d.fetch(r, unknown[:min(len(unknown), wire.MaxIDs)]); err != nil {
			return err
		}
		rest := unknown[:0]
		for _, id := range unknown {
			if _, known := d.known[id]; !known {
				rest = append(rest, id)
			}
		}
		unknown = rest
	}
	return nil
}
