package sqlite

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// known is what the writer has lately read or written of the rows that every run
// needs, as SQLite would answer it: a row is claimed, read again at the end of its run
// and written back, so most of what a run reads has been in the writer's hands before.
// Nobody else reads here. What a member has written is forgotten with everything else
// when it fails, or when its transaction does.
type known struct {
	charms map[int64]charm.Charm
	states map[int64]charm.State // also the zero State of a charm that has none
	live   map[int64][]charm.Job // all live jobs of a charm, as JobsOf lists them
	jobs   map[string]int64      // whose they are, by id
	spaces map[string]charm.Space
	dids   map[int64]string // of these spaces, by row
	heads  map[place]store.Fact
	bytes  int // of the heads' values and names

	version int64 // of the database, as far as others write to it
}

// place is where a space has one current fact.
type place struct {
	space   int64
	of, the string
}

// Rows of a kind that are known, and the bytes of facts: of one of them, and of all.
const (
	mostKnown     = 2048
	mostFact      = 4 << 10
	mostFactBytes = 2 << 20
)

func newKnown() *known {
	return &known{
		charms: map[int64]charm.Charm{}, states: map[int64]charm.State{}, live: map[int64][]charm.Job{}, jobs: map[string]int64{},
		spaces: map[string]charm.Space{}, dids: map[int64]string{}, heads: map[place]store.Fact{},
	}
}

// refresh forgets what may be out of date in a transaction that has just begun: people
// can open the database as well, and what they do there must be seen and mended.
func (k *known) refresh(s *session) {
	var version int64
	if err := s.row("pragma data_version", nil, &version); err != nil || version != k.version {
		k.forget()
		k.version = version
	}
}

func (k *known) forget() {
	clear(k.charms)
	clear(k.states)
	k.forgetJobs()
	k.forgetSpaces()
	k.forgetHeads()
}

func (k *known) forgetJobs() {
	clear(k.live)
	clear(k.jobs)
}

func (k *known) forgetSpaces() {
	clear(k.spaces)
	clear(k.dids)
}

func (k *known) forgetHeads() {
	clear(k.heads)
	k.bytes = 0
}

// full reports whether a table has no room for a row with a key that it lacks.
func full[K comparable, V any](table map[K]V, key K) bool {
	_, has := table[key]
	return !has && len(table) >= mostKnown
}

// Charm implements store.Reader.
func (t *tx) Charm(row int64) (c charm.Charm, err error) {
	c, ok := t.known.charms[row]
	if !ok {
		if c, err = t.view.Charm(row); err != nil {
			return c, err
		}
		if full(t.known.charms, row) {
			clear(t.known.charms)
		}
		t.known.charms[row] = c
	}
	c.AllowHosts = slices.Clone(c.AllowHosts)
	return c, nil
}

// dropCharm is called of a charm that is replaced.
func (k *known) dropCharm(row int64) {
	delete(k.charms, row)
}

// dropAllOf is called of a charm that is deleted, with its state and its jobs.
func (k *known) dropAllOf(row int64) {
	k.dropCharm(row)
	delete(k.states, row)
	k.dropLive(row)
}

// State implements store.Reader.
func (t *tx) State(row int64) (s charm.State, err error) {
	s, ok := t.known.states[row]
	if ok {
		return s, nil
	}
	if s, err = t.view.State(row); err == nil {
		t.known.keepState(row, s)
	}
	return s, err
}

func (k *known) keepState(row int64, s charm.State) {
	if full(k.states, row) {
		clear(k.states)
	}
	k.states[row] = s
}

// putState is called of a state that is written. Times and durations are stored less
// exactly than they may be given, here and below.
func (k *known) putState(row int64, s charm.State) {
	for _, t := range []*time.Time{&s.LastExecuted, &s.LastErrorAt, &s.NextRun, &s.NotBefore, &s.DisabledAt, &s.NextTry} {
		*t = asStored(*t)
	}
	for _, d := range []*time.Duration{&s.MinTime, &s.MaxTime, &s.SumTime, &s.LastTime, &s.ProbeWait} {
		*d = d.Truncate(time.Microsecond)
	}
	k.keepState(row, s)
}

// asStored is t as it is read again.
func asStored(t time.Time) time.Time { return timeAt(millis(t)) }

// Job implements store.Reader.
func (t *tx) Job(id string) (charm.Job, error) {
	if of, ok := t.known.jobs[id]; ok {
		for _, j := range t.known.live[of] {
			if j.ID == id {
				return j, nil
			}
		}
	}
	return t.view.Job(id)
}

// JobsOf implements store.Reader.
func (t *tx) JobsOf(row int64) ([]charm.Job, error) {
	if all, ok := t.known.live[row]; ok {
		return append([]charm.Job(nil), all...), nil // nil for none, too
	}
	all, err := t.view.JobsOf(row)
	if err == nil {
		t.known.keepLive(row, slices.Clone(all))
	}
	return all, err
}

// keepLive keeps all live jobs of a charm.
func (k *known) keepLive(row int64, all []charm.Job) {
	if full(k.live, row) {
		k.forgetJobs()
	}
	k.live[row] = all
	for _, j := range all {
		k.jobs[j.ID] = row
	}
}

func (k *known) dropLive(row int64) {
	for _, j := range k.live[row] {
		delete(k.jobs, j.ID)
	}
	delete(k.live, row)
}

// putJob is called of a job that is written.
func (k *known) putJob(j charm.Job) {
	k.dropJob(j.ID) // it may have been another charm's
	all, ok := k.live[j.Charm]
	if !ok {
		return // the others are not known
	}
	for _, t := range []*time.Time{&j.DueAt, &j.LeaseEnd, &j.CreatedAt, &j.ClaimedAt} {
		*t = asStored(*t)
	}
	at, _ := slices.BinarySearchFunc(all, j, func(a, b charm.Job) int {
		return cmp.Or(cmp.Compare(millis(a.DueAt), millis(b.DueAt)), cmp.Compare(a.ID, b.ID))
	})
	k.keepLive(j.Charm, slices.Insert(all, at, j))
}

// dropJob is called of a job that is deleted.
func (k *known) dropJob(id string) {
	if of, ok := k.jobs[id]; ok {
		k.live[of] = slices.DeleteFunc(k.live[of], func(j charm.Job) bool { return j.ID == id })
		delete(k.jobs, id)
	}
}

// Space implements store.Reader.
func (t *tx) Space(did string) (s charm.Space, err error) {
	s, ok := t.known.spaces[did]
	if ok {
		return s, nil
	}
	if s, err = t.view.Space(did); err == nil {
		if full(t.known.spaces, did) {
			t.known.forgetSpaces()
		}
		t.known.spaces[did], t.known.dids[s.Row] = s, did
	}
	return s, err
}

// dropSpaces is called when a space gets another name, which its charms tell as well.
func (k *known) dropSpaces() {
	k.forgetSpaces()
	clear(k.charms)
}

// moveSpace is called of a commit that is the last one of its space from now on.
func (k *known) moveSpace(c store.Commit) {
	if did, ok := k.dids[c.Space]; ok {
		s := k.spaces[did]
		s.Since, s.Commit = c.Since, c.Ref
		k.spaces[did] = s
	}
}

// Head implements store.Reader.
func (t *tx) Head(space int64, the, of string) (store.Fact, error) {
	f, ok := t.known.heads[place{space, of, the}]
	if ok {
		f.Is = bytes.Clone(f.Is)
		return f, nil
	}
	f, err := t.view.Head(space, the, of)
	if err == nil {
		t.known.keepHead(f)
	}
	return f, err
}

func (k *known) keepHead(f store.Fact) {
	size := sizeOfFact(f)
	if size > mostFact {
		return
	}
	p := place{f.Space, f.Of, f.The}
	if full(k.heads, p) || k.bytes+size > mostFactBytes {
		k.forgetHeads()
	}
	f.Is = bytes.Clone(f.Is)
	k.heads[p] = f
	k.bytes += size
}

// sizeOfFact is what counts of a fact: others choose how long its names are.
func sizeOfFact(f store.Fact) int { return len(f.Of) + len(f.The) + len(f.Is) }

// putHead is called of a fact that is written. dropHead went before it.
func (k *known) putHead(f store.Fact) {
	f.At = asStored(f.At)
	k.keepHead(f)
}

// dropHead is called of a fact that another one is to follow.
func (k *known) dropHead(next store.Fact) {
	p := place{next.Space, next.Of, next.The}
	k.bytes -= sizeOfFact(k.heads[p])
	delete(k.heads, p)
}
