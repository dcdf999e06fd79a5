// Package registry is who is registered to run in the background: the bgUpdater
// cell of the system space, which other programs and the admin charm read and
// write, kept in step with the service's own table (runtime spec §5). The cell
// is the truth for who is registered and for disabledAt; the table for
// schedules, counters and history. It exists so that this agreement is made in
// one place, inside the transactions that change either side.
package registry

import (
	"cmp"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/queue"
	"charmd/internal/store"
)

// ID is the entity id of the registry document.
func ID() string { return merkle.BackgroundRegistry.Link() }

// Registry keeps the cell and the table in step.
type Registry struct {
	store  store.Store
	memory *memory.Memory
	queue  *queue.Queue
	system string // DID of the system space
	every  time.Duration
	logger *slog.Logger
	now    func() time.Time
	wrote  func(documents int)
	moved  func()

	mu      sync.Mutex
	notes   map[int64]note // status not written yet, by charm row
	written map[int64]written
	relist  map[string]bool // DIDs of spaces whose lists of charms have changed
	changed chan struct{}   // the cell or such a list was changed by somebody

	owing atomic.Bool // there may be something to push
}

// Options are the parts a Registry works with.
type Options struct {
	Store  store.Store
	Memory *memory.Memory
	Queue  *queue.Queue
	System string        // DID of the system space
	Every  time.Duration // schedule of charms that others register
	Logger *slog.Logger
	Now    func() time.Time
	Wrote  func(documents int) // told of every change that is on disk; must not block; nil tells nobody
	// Moved is told when who is registered or disabled has changed, and that is on
	// disk; must not block; nil tells nobody.
	Moved func()
}

// New makes a Registry. The system space must be known to the store.
func New(o Options) *Registry {
	if o.Wrote == nil {
		o.Wrote = func(int) {}
	}
	if o.Moved == nil {
		o.Moved = func() {}
	}
	r := &Registry{
		wrote: o.Wrote, moved: o.Moved, store: o.Store, memory: o.Memory, queue: o.Queue, system: o.System, every: o.Every, logger: o.Logger, now: o.Now,
		notes: map[int64]note{}, written: map[int64]written{}, relist: map[string]bool{everywhere: true}, changed: make(chan struct{}, 1),
	}
	r.owing.Store(true)
	return r
}

// Entry is one registration as the cell has it. Entries of others may be
// inline, of an older shape or a newer one, which says pieceId for charmId, and
// lack anything but space and charm id.
type Entry struct {
	Space       string
	CharmID     string
	Integration string
	CreatedAt   float64 // ms since 1970
	UpdatedAt   float64
	DisabledAt  float64 // 0 while enabled
	LastRun     float64
	Status      string
	doc         string // id of the document we made for it; "" for an entry of others
}

// entryID is the id of the document of an entry we make. It follows from what
// is registered, so registering twice makes one document.
func entryID(space, charmID string) string {
	source := jsontext.NewObject()
	source.Set("space", space)
	source.Set("charmId", charmID)
	return merkle.EntityID(source, "charmd-registry-entry").Link()
}

// value is the entry's stored form; disabledAt is absent while enabled.
func (e Entry) value() *jsontext.Object {
	o := jsontext.NewObject()
	o.Set("space", e.Space)
	o.Set("charmId", e.CharmID)
	o.Set("integration", e.Integration)
	o.Set("createdAt", e.CreatedAt)
	o.Set("updatedAt", e.UpdatedAt)
	if e.DisabledAt != 0 {
		o.Set("disabledAt", e.DisabledAt)
	}
	o.Set("lastRun", e.LastRun)
	o.Set("status", e.Status)
	return o
}

// edit is the cell as one reader sees it: what is read, and what changes.
type edit struct {
	registry *Registry
	reader   store.Reader
	space    charm.Space
	docs     *cell.Snapshot
	dirty    map[string]*jsontext.Object
	order    []string
}

func (r *Registry) edit(v store.Reader) (*edit, error) {
	space, err := v.Space(r.system)
	if err != nil {
		return nil, fmt.Errorf("the system space: %w", err)
	}
	return &edit{r, v, space, cell.NewSnapshot(v, space), map[string]*jsontext.Object{}, nil}, nil
}

// list is the registry array as it stands.
func (e *edit) list() ([]any, error) {
	doc, err := e.docs.Document(ID())
	if err != nil || doc == nil {
		return nil, err
	}
	v, _ := doc.Get("value")
	list, _ := v.([]any)
	return list, nil
}

// entries reads the registrations; what is not one is passed over.
func (e *edit) entries() ([]Entry, error) {
	list, err := e.list()
	if err != nil {
		return nil, err
	}
	var out []Entry
	for i := range list {
		entry, ok, err := e.entry(i)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, entry)
		}
	}
	return out, nil
}

// entry is the i-th registration; ok is false when what stands there is none.
func (e *edit) entry(i int) (Entry, bool, error) {
	at, v, exists, err := cell.Resolve(e.docs, cell.Location{ID: ID(), Path: []string{strconv.Itoa(i)}}, true)
	if charm.CodeOf(err) == charm.CodeInvalid {
		return Entry{}, false, nil // a link that leads in a circle
	}
	if err != nil {
		return Entry{}, false, err
	}
	entry, ok := parseEntry(v)
	if ok && at.ID == entryID(entry.Space, entry.CharmID) {
		entry.doc = at.ID
	}
	return entry, exists && ok, nil
}

// own is the entry we made for charm c, if there is one. Its document is known
// by its id, so the other entries need not be read.
func (e *edit) own(c charm.Charm) (Entry, bool, error) {
	id := entryID(c.Space, c.ID)
	doc, err := e.docs.Document(id)
	if err != nil || doc == nil {
		return Entry{}, false, err
	}
	v, _ := doc.Get("value")
	entry, ok := parseEntry(v)
	entry.doc = id
	return entry, ok, nil
}

// lastMoment is the end of the year 9999 in ms, the last that dates as text can say.
const lastMoment = 253402300799000

func parseEntry(v any) (Entry, bool) {
	o, ok := v.(*jsontext.Object)
	if !ok {
		return Entry{}, false
	}
	text := func(key string) string { v, _ := o.Get(key); s, _ := v.(string); return s }
	number := func(key string) float64 { v, _ := o.Get(key); n, _ := v.(float64); return min(max(n, 0), lastMoment) }
	e := Entry{
		Space: text("space"), CharmID: cmp.Or(text("charmId"), text("pieceId")), Integration: text("integration"), Status: text("status"),
		CreatedAt: number("createdAt"), UpdatedAt: number("updatedAt"), DisabledAt: number("disabledAt"), LastRun: number("lastRun"),
	}
	if enabled, has := o.Get("enabled"); has && enabled == false && e.DisabledAt == 0 {
		e.DisabledAt = max(e.UpdatedAt, 1)
	}
	_, err := merkle.ParseLink(e.CharmID)
	return e, charm.IsDID(e.Space) && err == nil
}

// put makes v the value of a document of the system space.
func (e *edit) put(id string, v any) error {
	old, err := e.docs.Document(id)
	if err != nil {
		return err
	}
	doc := jsontext.NewObject()
	if old != nil {
		doc = jsontext.Clone(old).(*jsontext.Object)
	}
	doc.Set("value", v)
	if _, again := e.dirty[id]; !again {
		e.order = append(e.order, id)
	}
	e.dirty[id] = doc
	e.docs.Put(id, doc)
	return nil
}

// draft is what changed as one transaction of the system space; nil when nothing did.
func (e *edit) draft() (*memory.Draft, error) {
	if len(e.order) == 0 {
		return nil, nil
	}
	changes := make([]memory.Change, len(e.order))
	for i, id := range e.order {
		v := e.docs.Version(id)
		changes[i] = memory.Assert(v.Of, v.Cause(), e.dirty[id])
	}
	draft, err := memory.NewDraft(e.space, e.registry.memory.Issuer(), changes, ours, e.registry.now())
	if err == nil {
		draft.Anyway, draft.By = true, by
	}
	return draft, err
}

// commit writes what changed of who is registered or disabled, inside tx.
func (e *edit) commit(tx store.Tx) error {
	draft, err := e.draft()
	if err != nil || draft == nil {
		return err
	}
	if _, err = e.registry.memory.Commit(tx, draft, nil); err != nil {
		return err
	}
	e.told(tx)
	tx.AfterCommit(e.registry.moved)
	return nil
}

// told counts what has changed once tx is on disk.
func (e *edit) told(tx store.Tx) {
	if n := len(e.order); n > 0 {
		tx.AfterCommit(func() { e.registry.wrote(n) })
	}
}

// by names the registry as the maker of its transactions, and in their log ours
// does, for people who read it.
const by = "registry"

var ours = map[string]string{"by": by}
