package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	lib "modernc.org/sqlite/lib"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// past writes at random what can change a row that the writer may know, in members
// of which many fail, while transactions are lost and others write as well.
type past struct {
	*rand.Rand
	t      *testing.T
	db     *DB
	broken atomic.Int32 // 1 + the point at which the next transaction is lost
	top    int64        // row that was ever given to a charm
	since  int64
}

// TestKnownAfterAnyHistory compares all that the writer knows, after each group, with
// what a connection of its own reads. CHARMD_HISTORIES is how many histories.
func TestKnownAfterAnyHistory(t *testing.T) {
	t.Parallel()
	histories, _ := strconv.Atoi(os.Getenv("CHARMD_HISTORIES"))
	for seed := range uint64(max(histories, 2)) {
		path := newPath(t)
		h := &past{Rand: rand.New(rand.NewPCG(seed, 2)), t: t}
		h.db = open(t, path, Options{retry: time.Hour, Faults: func(p Point) error {
			if h.broken.CompareAndSwap(int32(p)+1, 0) {
				return fault([]int{lib.SQLITE_FULL, lib.SQLITE_BUSY, lib.SQLITE_IOERR_WRITE, lib.SQLITE_READONLY}[seed%4])
			}
			return nil
		}})
		other, err := connect(t.Context(), path, everyPragma...)
		ok(t, err)
		for range 50 {
			h.group(other)
			h.compare(other)
		}
		ok(t, other.close())
	}
}

// touched is the first of the rows of charms that are left alone, but for the newest.
const touched = 6

var errStop = errors.New("stop")

// group runs some members, and before and after them what else may happen to the
// database.
func (h *past) group(other *session) {
	switch h.IntN(8) {
	case 0:
		h.broken.Store(int32(Beginning) + 1)
	case 1:
		h.broken.Store(int32(Committing) + 1)
	case 2:
		ok(h.t, h.db.Checkpoint(h.t.Context()))
	case 3:
		_, err := h.db.Vacuum(h.t.Context(), 100)
		ok(h.t, err)
	}
	var members []func(store.Tx) error
	for range 1 + h.IntN(5) {
		members = append(members, h.member())
	}
	grouped(h.t, h.db, members...)
	h.broken.Store(0)
	if h.IntN(4) == 0 {
		ok(h.t, other.script(h.t.Context(), []string{
			"update state set executions = executions + 1000", "delete from job", "update space set name = 'row ' || row where name <> ''",
			"delete from charm where row % 2", "update charm set priority = 77", "update fact set value = cast('changed' as blob)",
		}[h.IntN(6)]))
	}
}

// member is drawn before it runs, and passes over what it is refused.
func (h *past) member() func(store.Tx) error {
	var steps []func(store.Tx)
	for range 1 + h.IntN(8) {
		if steps = append(steps, h.change()); h.IntN(4) == 0 {
			steps = append(steps, h.look)
		}
	}
	end := h.IntN(24)
	return func(tx store.Tx) error {
		for _, step := range steps {
			step(tx)
		}
		switch end {
		case 0, 1, 2, 3:
			return errStop
		case 4:
			panic(errStop)
		case 5:
			runtime.Goexit()
		case 6:
			_ = h.db.writer.note(fault(lib.SQLITE_FULL)) // SQLite has rolled back, and nobody cares
		}
		return nil
	}
}

// did is that of one of a few spaces.
func (h *past) did() string { return fmt.Sprint("did:key:z", h.IntN(4)) }

func (h *past) moment() time.Time {
	return []time.Time{
		{}, time.Unix(0, 0), time.Unix(0, 999_999), time.Unix(-5, 1), time.Unix(-1, 0), time.Unix(math.MaxInt64/1_000_000, 5),
		time.Now(), time.Unix(1_700_000_000, h.Int64N(1e9)).In(time.FixedZone("far", 5*3600)),
	}[h.IntN(8)]
}

func (h *past) duration() time.Duration {
	return []time.Duration{0, 1, -1, 999, -1999, 1_000_500, math.MaxInt64, math.MinInt64}[h.IntN(8)]
}

func (h *past) text() string {
	return []string{"", "a", "A", "a ", "é", "e\u0301", "\xff\xfe", "a\x00b"}[h.IntN(8)]
}

func (h *past) change() func(store.Tx) {
	did, n, text, row, id := h.did(), h.IntN(100), h.text(), h.Int64N(touched), "job "+h.text()
	switch h.IntN(13) {
	case 0, 1:
		s := charm.Space{DID: did, Name: text, CreatedAt: h.moment()}
		return func(tx store.Tx) { _, _ = tx.PutSpace(s) }
	case 2:
		return func(tx store.Tx) { _, _ = tx.PutSpace(charm.Space{Row: 1 + row%4, DID: did, Name: text}) }
	case 3, 4, 5:
		c := charm.Charm{Space: did, ID: text, Name: text, Priority: n, Timeout: h.duration(), CreatedAt: h.moment(), UpdatedAt: h.moment()}
		c.Schedule.Every, c.AllowHosts = h.duration(), [][]string{nil, {}, {"a", text}}[n%3]
		if n < 50 {
			c.Row = row
		}
		return func(tx store.Tx) {
			row, err := tx.PutCharm(c)
			if err == nil {
				h.top = max(h.top, row)
			}
		}
	case 6:
		s := charm.State{Executions: int64(n), LastRun: text, LastError: text, LastErrorCode: charm.ErrorCode(text), Disabled: n%2 == 0}
		for _, t := range []*time.Time{&s.LastExecuted, &s.LastErrorAt, &s.NextRun, &s.NotBefore, &s.DisabledAt, &s.NextTry} {
			*t = h.moment()
		}
		for _, d := range []*time.Duration{&s.MinTime, &s.MaxTime, &s.SumTime, &s.LastTime, &s.ProbeWait} {
			*d = h.duration()
		}
		return func(tx store.Tx) { _ = tx.PutState(row, s) }
	case 7, 8:
		j := charm.Job{ID: id, Charm: row, Type: charm.ExecuteCharm, Run: text, Attempt: n, Once: n%2 == 0, FollowUp: text}
		j.DueAt, j.LeaseEnd, j.CreatedAt, j.ClaimedAt = h.moment(), h.moment(), h.moment(), h.moment()
		return func(tx store.Tx) { _ = tx.PutJob(j) }
	case 9:
		return func(tx store.Tx) { _ = tx.DeleteJob(id) }
	case 10:
		return func(tx store.Tx) {
			_ = tx.PutState(row, charm.State{Executions: int64(n)})
			h.look(tx)
			_ = tx.DeleteCharm(row)
		}
	case 11:
		return func(tx store.Tx) { _, _ = tx.PruneFacts(n%2, time.Now().Add(time.Hour), n) }
	}
	at, f := h.moment(), store.Fact{Space: 1 + row%4, The: the, Of: "of:" + text}
	f.Ref[0], f.At = byte(n), at
	if n > 10 {
		f.Is = bytes.Repeat([]byte{'x'}, 1+n*n) // up to 10 kB
	}
	return func(tx store.Tx) {
		h.since++
		f.Since = h.since
		_ = tx.AddFact(f)
		if s, err := tx.Space(did); err == nil {
			_ = tx.PutCommit(store.Commit{Space: s.Row, Since: s.Since + 1, Ref: f.Ref, At: at, Transaction: []byte{byte(n)}})
		}
	}
}

// look has the writer know what there is, and does with it what it likes.
func (h *past) look(tx store.Tx) {
	for row := range h.top + 2 {
		if row >= touched && row < h.top-2 {
			continue
		}
		c, _ := tx.Charm(row)
		_, _ = tx.State(row)
		jobs, _ := tx.JobsOf(row)
		for i := range c.AllowHosts {
			c.AllowHosts[i] = "mine"
		}
		for i := range jobs {
			_, _ = tx.Job(jobs[i].ID)
			jobs[i].ID, jobs[i].DueAt = "mine", time.Time{}
		}
	}
	for i := range 4 {
		space, err := tx.Space(fmt.Sprint("did:key:z", i))
		if err != nil {
			continue
		}
		for _, text := range []string{"", "a", "A", "a ", "é", "e\u0301", "\xff\xfe", "a\x00b"} {
			if f, _ := tx.Head(space.Row, the, "of:"+text); len(f.Is) > 0 {
				f.Is[0] = '!'
			}
		}
	}
}

// compare has a connection read all that the writer knows.
func (h *past) compare(other *session) {
	h.t.Helper()
	ok(h.t, h.db.Update(h.t.Context(), func(store.Tx) error { return nil })) // another one may have written
	v, k := &view{other, h.t.Context()}, h.db.writer.known
	same := func(what string, known, stored any, err error) {
		if err != nil || !reflect.DeepEqual(known, stored) {
			h.t.Errorf("the writer knows of %s\n%+v, but stored is\n%+v, %v", what, known, stored, err)
		}
	}
	onWriter(h.t, h.db, func(*session) error { // nobody else may look
		for row, c := range k.charms {
			stored, err := v.Charm(row)
			same(fmt.Sprint("charm ", row), c, stored, err)
		}
		for row, s := range k.states {
			stored, err := v.State(row)
			same(fmt.Sprint("the state of charm ", row), s, stored, err)
		}
		jobs := 0
		for row, all := range k.live {
			stored, err := v.JobsOf(row)
			same(fmt.Sprint("the jobs of charm ", row), append([]charm.Job(nil), all...), stored, err)
			for _, j := range all {
				same("whose job this is", k.jobs[j.ID], row, nil)
			}
			jobs += len(all)
		}
		same("how many jobs", len(k.jobs), jobs, nil)
		for did, s := range k.spaces {
			stored, err := v.Space(did)
			same("space "+did, s, stored, err)
			same("the name of space "+did, k.dids[s.Row], did, nil)
		}
		same("how many spaces", len(k.dids), len(k.spaces), nil)
		size := 0
		for p, f := range k.heads {
			stored, err := v.Head(p.space, p.the, p.of)
			same(fmt.Sprint("fact ", p), f, stored, err)
			size += sizeOfFact(f)
		}
		same("how many bytes", k.bytes, size, nil)
		return nil
	})
}
