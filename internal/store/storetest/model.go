package storetest

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// model is what a store should hold, kept in the plainest way.
type model struct {
	*fixture
	rapid  *rapid.T
	space  charm.Space
	since  int
	clock  *int
	facts  map[string][]store.Fact // by document, oldest first
	taken  map[string]int          // how many of them retention may have taken
	values map[string]string
	runs   map[string]charm.Run
	jobs   map[string]charm.Job
}

// testModel compares the store with the model over random histories of writes,
// members that fail, retention and reopening.
func testModel(f *fixture) {
	t, ok := f.TB.(*testing.T)
	if !ok {
		f.Fatal("the model needs a *testing.T")
	}
	f.ok(flag.Set("rapid.checks", cmp.Or(os.Getenv("CHARMD_HISTORIES"), histories)))
	spaces, clock := 0, 0 // time never goes back
	rapid.Check(t, func(rt *rapid.T) {
		spaces++ // all histories are of one store, each in a space of its own
		m := &model{fixture: f, rapid: rt, clock: &clock, since: -1, facts: map[string][]store.Fact{}, taken: map[string]int{},
			values: map[string]string{"a": "", "b": ""}, runs: map[string]charm.Run{}, jobs: map[string]charm.Job{}}
		m.space = charm.Space{DID: fmt.Sprint("did:key:model", spaces), Since: -1}
		m.update(func(tx store.Tx) (err error) {
			m.space.Row, err = tx.PutSpace(m.space)
			m.must(err)
			for key := range m.values {
				m.must(tx.SetValue(key, ""))
			}
			jobs, err := tx.Jobs(0)
			m.must(err)
			for _, j := range jobs {
				m.must(tx.DeleteJob(j.ID))
			}
			_, err = tx.PruneRuns(0, at(1<<20), 1<<20)
			return err
		})
		rt.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) { m.check() },
			"commit": func(rt *rapid.T) {
				m.commit(rt, rapid.Bool().Draw(rt, "fails"))
			},
			"value": func(rt *rapid.T) {
				key, value := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "key"), rapid.String().Draw(rt, "value")
				m.update(set(key, value))
				m.values[key] = value
			},
			"run":   m.addRun,
			"job":   m.putJob,
			"prune": m.prune,
			"reopen": func(rt *rapid.T) {
				if rapid.IntRange(0, 9).Draw(rt, "really") == 0 {
					f.reopen()
				}
			},
		})
	})
}

func (m *model) must(err error) {
	if err != nil {
		m.rapid.Fatalf("%+v", err)
	}
}

func (m *model) update(fn func(store.Tx) error) { m.must(m.Update(m.rapid.Context(), fn)) }

var modelDocs = []string{"of:a", "of:b", "of:ä"}

func (m *model) commit(rt *rapid.T, fails bool) {
	*m.clock++
	next := m.since + 1
	docs := rapid.SliceOfN(rapid.SampledFrom(modelDocs), 0, 4).Draw(rt, "documents")
	var facts []store.Fact
	for i, of := range docs {
		fact := store.Fact{Space: m.space.Row, The: doc, Of: of, Since: int64(next), At: at(*m.clock), Ref: ref(next, "/", i)}
		if value := rapid.StringN(0, 9, -1).Draw(rt, "value"); value != "" {
			fact.Is = []byte(value)
		}
		facts = append(facts, fact)
	}
	err := m.Update(rt.Context(), func(tx store.Tx) error {
		for _, fact := range facts {
			m.must(tx.AddFact(fact))
		}
		m.must(tx.PutCommit(store.Commit{Space: m.space.Row, Since: int64(next), Ref: ref("commit", next), At: at(*m.clock)}))
		if fails {
			return errStop
		}
		return nil
	})
	if fails {
		if err != errStop {
			rt.Fatalf("a failing member answered %v", err)
		}
		return
	}
	m.must(err)
	m.since = next
	for _, fact := range facts {
		m.facts[fact.Of] = append(m.facts[fact.Of], fact)
	}
}

func (m *model) addRun(rt *rapid.T) {
	*m.clock++
	r := charm.Run{ID: fmt.Sprintf("%06d", *m.clock), Charm: rapid.Int64Range(0, 2).Draw(rt, "charm"), StartedAt: at(*m.clock), EndedAt: at(*m.clock),
		Outcome: rapid.SampledFrom([]charm.Outcome{charm.OK, charm.Lost}).Draw(rt, "outcome")}
	m.update(func(tx store.Tx) error { return tx.AddRun(r) })
	m.runs[r.ID] = r
}

func (m *model) putJob(rt *rapid.T) {
	j := charm.Job{ID: rapid.SampledFrom([]string{"1", "2", "3", "4"}).Draw(rt, "id"), DueAt: at(rapid.IntRange(0, 3).Draw(rt, "due"))}
	if _, live := m.jobs[j.ID]; live && rapid.Bool().Draw(rt, "delete") {
		m.update(func(tx store.Tx) error { return tx.DeleteJob(j.ID) })
		delete(m.jobs, j.ID)
		return
	}
	m.update(func(tx store.Tx) error { return tx.PutJob(j) })
	m.jobs[j.ID] = j
}

func (m *model) prune(rt *rapid.T) {
	keep := rapid.IntRange(0, 4).Draw(rt, "keep")
	before := at(*m.clock - rapid.IntRange(0, 10).Draw(rt, "age"))
	limit := rapid.IntRange(3, 30).Draw(rt, "limit")
	for n := 1; n > 0; {
		m.update(func(tx store.Tx) (err error) {
			facts, err := tx.PruneFacts(keep, before, limit)
			m.must(err)
			runs, err := tx.PruneRuns(keep, before, limit)
			n = facts + runs
			return err
		})
	}
	for of, facts := range m.facts {
		for i := range facts[:len(facts)-1] {
			if i < len(facts)-1-keep || facts[i+1].At.Before(before) {
				m.taken[of] = max(m.taken[of], i+1)
			}
		}
	}
	newest := map[int64]int{}
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(m.runs))) {
		r := m.runs[id]
		if newest[r.Charm]++; newest[r.Charm] > keep || r.EndedAt.Before(before) {
			delete(m.runs, id)
		}
	}
}

// asOf is what FactAsOf should answer.
func (m *model) asOf(of string, since int64) (store.Fact, error) {
	all := m.facts[of]
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Since <= since {
			if i < m.taken[of] {
				return store.Fact{}, store.ErrForgotten
			}
			return all[i], nil
		}
	}
	return store.Fact{}, store.ErrNotFound
}

// check compares everything.
func (m *model) check() {
	equal := func(what string, got, want any) {
		if diff := difference(want, got); diff != "" {
			m.rapid.Fatalf("%s differs (-want +got):\n%s", what, diff)
		}
	}
	m.must(m.View(m.rapid.Context(), func(r store.Reader) error {
		var want, got []store.Fact
		for _, of := range modelDocs {
			if all := m.facts[of]; len(all) > 0 {
				want = append(want, all[len(all)-1])
			}
			for since := int64(-1); since <= int64(m.since); since++ {
				fact, err := r.FactAsOf(m.space.Row, doc, of, since)
				fact.Row = 0
				expected, expectedErr := m.asOf(of, since)
				if err != expectedErr {
					m.rapid.Fatalf("%s as of %d: %v, want %v", of, since, err, expectedErr)
				}
				if err == nil {
					equal(fmt.Sprint(of, " as of ", since), fact, expected)
				}
			}
		}
		m.must(r.Heads(m.space.Row, store.Selector{Since: -1}, func(fact store.Fact) bool {
			fact.Row = 0
			got = append(got, fact)
			return true
		}))
		equal("heads", got, want)
		space, err := r.Space(m.space.DID)
		m.must(err)
		equal("last commit", space.Since, int64(m.since))
		for key, value := range m.values {
			stored, err := r.Value(key)
			m.must(err)
			equal(key, stored, value)
		}
		runs, err := r.Runs(store.RunFilter{Limit: 1000})
		m.must(err)
		var ids, wantIDs []string
		for _, run := range runs {
			ids = append(ids, run.ID)
		}
		for _, id := range slices.Backward(slices.Sorted(maps.Keys(m.runs))) {
			wantIDs = append(wantIDs, id)
		}
		equal("runs", ids, wantIDs)
		jobs, err := r.Jobs(0)
		m.must(err)
		wantJobs := slices.SortedFunc(maps.Values(m.jobs), func(a, b charm.Job) int {
			if c := a.DueAt.Compare(b.DueAt); c != 0 {
				return c
			}
			return strings.Compare(a.ID, b.ID)
		})
		equal("jobs", jobs, wantJobs)
		return nil
	}))
}
