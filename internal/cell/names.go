package cell

import (
	"strconv"

	"charmd/internal/jsontext"
)

// mostNamed bounds how many documents Names goes through.
const mostNamed = 2000

// Names says how documents are reached from those that have a name: by the
// shortest way of links, written name/key/key. It is for people, who know no ids.
func Names(docs Documents, names map[string]string, roots ...string) error {
	for at := 0; at < len(roots) && at < mostNamed; at++ {
		doc, err := docs.Document(roots[at])
		if err != nil {
			return err
		}
		value, _ := doc.Get("value")
		eachLink(value, names[roots[at]], func(id, name string) {
			if _, known := names[id]; !known {
				names[id] = name
				roots = append(roots, id)
			}
		})
	}
	return nil
}

// eachLink calls fn for the links and aliases in v, with where they stand.
func eachLink(v any, at string, fn func(id, at string)) {
	if to, ok := Pointer(v, ""); ok {
		if to.ID != "" {
			fn(to.ID, at)
		}
		return
	}
	switch v := v.(type) {
	case *jsontext.Object:
		for key, e := range v.All() {
			eachLink(e, at+"/"+key, fn)
		}
	case []any:
		for i, e := range v {
			eachLink(e, at+"/"+strconv.Itoa(i), fn)
		}
	}
}

// Linked are the ids of the documents that v links to.
func Linked(v any) (ids []string) {
	eachLink(v, "", func(id, _ string) { ids = append(ids, id) })
	return ids
}

// Source is the id of the document that a stored document belongs to.
func Source(doc *jsontext.Object) (string, bool) {
	source, _ := doc.Get("source")
	return referenceID(source)
}
