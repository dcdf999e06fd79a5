package handlers

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/runcharm"
	"charmd/internal/store"
)

// mark is what a run leaves on its charm's process document in another toolshed
// (memory.RunJSON): {run, job, seq, outcome, services}. services has for each
// charmd the last run of its own, so that each finds there what became of it
// however many runs of others came after.
type mark struct {
	seq      float64 // runs that changed something, counted
	last     entry
	services map[string]entry
}

// entry is one run.
type entry struct {
	Run   string
	Job   string
	Again bool // it asked for its next page
	seq   float64
}

// mostServices bounds how many are remembered on one charm.
const mostServices = 16

// readMark is the mark that a version is; the zero mark when there is none.
func readMark(r store.Reader, space charm.Space, v memory.Version) (mark, error) {
	m := mark{services: map[string]entry{}}
	fact, err := r.Head(space.Row, v.The, v.Of)
	if errors.Is(err, store.ErrNotFound) || err == nil && fact.Is == nil {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	value, err := jsontext.Parse(fact.Is, jsontext.DefaultLimits)
	if err != nil {
		return m, err
	}
	o, _ := value.(*jsontext.Object)
	m.last = readEntry(o)
	m.seq = m.last.seq
	listed, _ := o.Get("services")
	services, _ := listed.(*jsontext.Object)
	for id, v := range services.All() {
		if s, ok := v.(*jsontext.Object); ok {
			m.services[id] = readEntry(s)
		}
	}
	return m, nil
}

func readEntry(o *jsontext.Object) (e entry) {
	text := func(key string) string { v, _ := o.Get(key); s, _ := v.(string); return s }
	e.Run, e.Job = text("run"), text("job")
	seq, _ := o.Get("seq")
	e.seq, _ = seq.(float64)
	again, _ := o.Get("again")
	e.Again, _ = again.(bool)
	return e
}

// with is the mark after a run of a service. That run stays on it, whatever others
// have written there.
func (m mark) with(service string, e entry) mark {
	e.seq = m.seq + 1
	next := mark{seq: e.seq, last: e, services: maps.Clone(m.services)}
	next.services[service] = e
	others := slices.DeleteFunc(slices.Collect(maps.Keys(next.services)), func(id string) bool { return id == service })
	slices.SortFunc(others, func(a, b string) int { return cmp.Compare(next.services[a].seq, next.services[b].seq) })
	for _, oldest := range others[:max(len(next.services)-mostServices, 0)] {
		delete(next.services, oldest)
	}
	return next
}

func (m mark) value() *jsontext.Object {
	o := m.last.value()
	o.Set("outcome", string(charm.OK))
	services := jsontext.NewObject()
	for _, id := range slices.Sorted(maps.Keys(m.services)) {
		services.Set(id, m.services[id].value())
	}
	o.Set("services", services)
	return o
}

func (e entry) value() *jsontext.Object {
	o := jsontext.NewObject()
	o.Set("run", e.Run)
	o.Set("job", e.Job)
	o.Set("seq", e.seq)
	if e.Again {
		o.Set("again", true)
	}
	return o
}

// standing is the mark that the run found, if that and all that the run read and
// changes is still so. A *memory.Conflict says that the copy has moved on.
func standing(v store.Reader, space charm.Space, r runcharm.Result) (mark, error) {
	read := make([]memory.Version, 0, len(r.Read)+len(r.Draft.Changes)+1)
	read = append(append(read, r.Read...), r.Mark)
	for _, c := range r.Draft.Changes {
		version := memory.Version{The: c.The, Of: c.Of}
		if c.Cause != merkle.Unclaimed(c.The, c.Of) {
			version.Ref = c.Cause
		}
		read = append(read, version)
	}
	if err := memory.Check(v, space, read); err != nil {
		return mark{}, err
	}
	return readMark(v, space, r.Mark)
}

// draft is what the run changes together with the mark, as one transaction.
func (m mark) draft(space charm.Space, issuer string, r runcharm.Result, now time.Time) (*memory.Draft, error) {
	change := memory.Change{The: r.Mark.The, Of: r.Mark.Of, Cause: r.Mark.Cause(), Is: m.value(), Has: true}
	changes := append(r.Draft.Changes[:len(r.Draft.Changes):len(r.Draft.Changes)], change)
	d, err := memory.NewDraft(space, issuer, changes, map[string]string{"run": m.last.Run}, now)
	if err == nil {
		d.Read = r.Read
	}
	return d, err
}
