package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// within writes at random what runs write, in members of which some fail, and compares
// what a Tx says of single rows with its lists of them: a store may keep rows that it
// has just had at hand.
type within struct {
	*fixture
	*rand.Rand
	spaces []charm.Space
	charms []charm.Charm
}

// testWithin lives through histories, each of them alone and in groups.
func testWithin(f *fixture) {
	for seed := range uint64(3) {
		w := &within{fixture: f, Rand: rand.New(rand.NewPCG(seed, 1))}
		for _, name := range []string{"a", "b"} {
			w.spaces = append(w.spaces, f.space(fmt.Sprint(name, seed)))
		}
		for i := range 4 {
			w.charms = append(w.charms, f.charm(w.spaces[i%2], fmt.Sprint(seed, i)))
		}
		f.write(w.same)
		for range 60 {
			var members []func(store.Tx) error
			for range 1 + w.IntN(4) {
				members = append(members, w.member())
			}
			if len(members) == 1 {
				if err := f.Update(f.Context(), members[0]); err != nil {
					f.is(err, errStop)
				}
			} else {
				for _, err := range f.grouped(members...) {
					if err != nil {
						f.is(err, errStop)
					}
				}
			}
			f.write(w.same)
		}
	}
}

// member makes some changes, and looks at everything before, between or after them.
// What it does is drawn before it is queued, since members may change places.
func (w *within) member() func(store.Tx) error {
	var steps []func(store.Tx) error
	for range 1 + w.IntN(6) {
		steps = append(steps, w.change())
		if w.IntN(3) == 0 {
			steps = append(steps, w.same)
		}
	}
	end := w.IntN(8)
	return func(tx store.Tx) error {
		for _, step := range steps {
			w.ok(step(tx))
		}
		switch end {
		case 0, 1:
			return errStop
		case 2:
			panic(errStop)
		}
		return nil
	}
}

// change is one write; the refusal of one for a charm that is gone is passed over.
func (w *within) change() func(store.Tx) error {
	at := time.Unix(1_700_000_000+w.Int64N(1000), w.Int64N(1e9)) // more exact than what is stored, and not in UTC
	c := w.charms[w.IntN(len(w.charms))]
	n, space, id := w.IntN(100), w.spaces[w.IntN(2)], fmt.Sprint("job ", w.IntN(4))
	switch w.IntN(9) {
	case 0, 1:
		s := fullState()
		s.Executions, s.LastExecuted, s.LastErrorAt, s.NextRun, s.NotBefore, s.DisabledAt, s.NextTry = int64(n), at, at, at, at, at, at
		s.MinTime, s.MaxTime, s.SumTime, s.LastTime, s.ProbeWait = 1999, 2001, time.Duration(n)*1001, 999, 1_000_500
		return func(tx store.Tx) error { return passOver(tx.PutState(c.Row, s)) }
	case 2, 3:
		j := charm.Job{ID: id, Charm: c.Row, Type: charm.ExecuteCharm, DueAt: at, LeaseEnd: at, CreatedAt: at, ClaimedAt: at, Attempt: n}
		if n < 20 {
			j.Charm = 0
		}
		return func(tx store.Tx) error { return passOver(tx.PutJob(j)) }
	case 4:
		return func(tx store.Tx) error { return passOver(tx.DeleteJob(id)) }
	case 5:
		c.Priority, c.Registered, c.AllowHosts, c.UpdatedAt = n, n > 50, []string{fmt.Sprint("host", n)}, at
		return func(tx store.Tx) error { _, err := tx.PutCharm(c); return passOver(err) }
	case 6:
		space.Name += fmt.Sprint(n)
		return func(tx store.Tx) error { _, err := tx.PutSpace(space); return err }
	case 7:
		if n > 10 {
			return func(store.Tx) error { return nil }
		}
		return func(tx store.Tx) error { return passOver(tx.DeleteCharm(c.Row)) }
	}
	fact := store.Fact{Space: space.Row, The: doc, Of: fmt.Sprint("of:", w.IntN(3)), Ref: ref("fact", n), Cause: ref("cause", n), At: at}
	if n > 10 {
		fact.Is = []byte(strings.Repeat(fmt.Sprint(n), 1+n*n)) // up to 20 kB
	}
	return func(tx store.Tx) error {
		now, err := tx.Space(space.DID)
		w.ok(err)
		fact.Since = now.Since + 1
		w.ok(tx.AddFact(fact))
		wrong := store.Commit{Space: space.Row, Since: now.Since + 7, Ref: ref("wrong")}
		if n%5 == 0 && tx.PutCommit(wrong) == nil {
			w.Error("a commit that does not follow the last one was taken")
		}
		return tx.PutCommit(store.Commit{Space: space.Row, Since: fact.Since, Ref: ref("commit", n), At: at})
	}
}

// passOver is nil for what is refused because it is not there.
func passOver(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// same compares what is read row by row with what the lists of all rows say.
func (w *within) same(tx store.Tx) error {
	charms, err := tx.Charms("")
	w.ok(err)
	states, err := tx.States()
	w.ok(err)
	jobs, err := tx.Jobs(0)
	w.ok(err)
	spaces, err := tx.Spaces()
	w.ok(err)
	for _, c := range w.charms {
		at := slices.IndexFunc(charms, func(other charm.Charm) bool { return other.Row == c.Row })
		one, err := tx.Charm(c.Row)
		if at < 0 {
			w.is(err, store.ErrNotFound)
		} else {
			w.alike(one, charms[at])
			if one.AllowHosts != nil {
				one.AllowHosts[0] = "!" // it is the reader's own
			}
		}
		state, err := tx.State(c.Row)
		w.ok(err)
		w.alike(state, states[c.Row])
	}
	for _, row := range append([]int64{0}, rows(w.charms)...) {
		of, err := tx.JobsOf(row)
		w.ok(err)
		var listed []charm.Job
		for _, j := range jobs {
			if j.Charm == row {
				listed = append(listed, j)
			}
		}
		w.alike(of, listed)
	}
	for i := range 4 {
		id := fmt.Sprint("job ", i)
		at := slices.IndexFunc(jobs, func(j charm.Job) bool { return j.ID == id })
		one, err := tx.Job(id)
		if at < 0 {
			w.is(err, store.ErrNotFound)
		} else {
			w.alike(one, jobs[at])
		}
	}
	for _, s := range spaces {
		one, err := tx.Space(s.DID)
		w.ok(err)
		w.alike(one, s)
		w.ok(tx.Heads(s.Row, store.Selector{Since: -1}, func(fact store.Fact) bool {
			one, err := tx.Head(s.Row, fact.The, fact.Of)
			w.ok(err)
			w.alike(one, fact)
			if one.Is != nil {
				one.Is[0] = '!'
			}
			return true
		}))
	}
	return nil
}

func rows(charms []charm.Charm) (all []int64) {
	for _, c := range charms {
		all = append(all, c.Row)
	}
	return all
}

func (w *within) alike(one, listed any) {
	w.Helper()
	if !reflect.DeepEqual(one, listed) {
		w.equal(one, listed)
	}
}
