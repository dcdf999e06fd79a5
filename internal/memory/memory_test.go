package memory_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

const (
	did    = "did:key:z6Mkj5HyygpAVo2baUcx7kwTRoUbbBmk5egUQPHnV8arQ3SY"
	issuer = "did:key:z6MksHnZGdHxNoCqcC3kPvBSo2goCzLSWheQ8LrVpAtQwgwW"
	docOf  = "of:baedreiahv63wxwgaem4hzjkizl4qncfgvca7pj5cvdon7cukumfon3ioye"
)

// world is a memory on a real database with one space.
type world struct {
	t      *testing.T
	store  store.Store
	memory *memory.Memory
	space  charm.Space
}

func newWorld(t *testing.T) *world {
	t.Helper()
	st := sqlitetest.Open(t, sqlite.Options{Logger: slog.New(slog.DiscardHandler)})
	w := &world{t: t, store: st, memory: memory.New(st, issuer, time.Now)}
	w.space = charm.Space{DID: did, CreatedAt: time.Now(), Since: -1}
	w.update(func(tx store.Tx) (err error) {
		w.space.Row, err = tx.PutSpace(w.space)
		return err
	})
	return w
}

func (w *world) update(fn func(store.Tx) error) {
	w.t.Helper()
	if err := w.store.Update(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) view(fn func(store.Reader) error) {
	w.t.Helper()
	if err := w.store.View(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) draft(changes ...memory.Change) *memory.Draft {
	w.t.Helper()
	d, err := memory.NewDraft(w.space, issuer, changes, map[string]string{"run": "r1"}, time.Unix(1_700_000_000, 0))
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) head(of string) (f store.Fact) {
	w.t.Helper()
	w.view(func(r store.Reader) (err error) {
		f, err = r.Head(w.space.Row, memory.JSON, of)
		return err
	})
	return f
}

func value(t *testing.T, text string) any {
	t.Helper()
	v, err := jsontext.Parse([]byte(text), jsontext.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func first(of string) merkle.Ref { return merkle.Unclaimed(memory.JSON, of) }

func TestCommitsChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cause := first(docOf)
	last := merkle.Unclaimed(memory.CommitJSON, did)
	for n := range int64(3) {
		receipt, err := w.memory.Transact(t.Context(), w.draft(memory.Assert(docOf, cause, value(t, fmt.Sprintf(`{"value":%d}`, n)))))
		if err != nil {
			t.Fatal(err)
		}
		if receipt.Since != n {
			t.Errorf("commit number %d, want %d", receipt.Since, n)
		}
		var commit store.Commit
		w.view(func(r store.Reader) (err error) {
			commit, err = r.CommitAt(w.space.Row, n)
			return err
		})
		// The reference is that of the fact as a reader would hash it, parsed from the stored text.
		is := jsontext.NewObject()
		is.Set("since", float64(n))
		is.Set("transaction", value(t, string(commit.Transaction)))
		ref := merkle.Refer(is)
		want := merkle.FactRef(memory.CommitJSON, did, &ref, last)
		if merkle.Ref(commit.Ref) != want {
			t.Errorf("commit %d has the reference %v, want %v", n, merkle.Ref(commit.Ref), want)
		}
		last, cause = want, merkle.Ref(w.head(docOf).Ref)
	}
}

func TestInvocationText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft(memory.Assert(docOf, first(docOf), value(t, `{"value":{"b":1,"a":"<é>"}}`)))
	if _, err := w.memory.Transact(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	var got string
	w.view(func(r store.Reader) error {
		c, err := r.CommitAt(w.space.Row, 0)
		got = string(c.Transaction)
		return err
	})
	want := `{"cmd":"/memory/transact","sub":"` + did + `","args":{"changes":{"` + docOf + `":{"application/json":{"` + first(docOf).String() +
		`":{"is":{"value":{"b":1,"a":"<é>"}}}}}}},"iss":"` + issuer + `","prf":[],"iat":1700000000,"exp":1700003600,"meta":{"run":"r1"}}`
	if got != want {
		t.Errorf("the log has\n%s\nwant\n%s", got, want)
	}
}

func TestTransactions(t *testing.T) {
	t.Parallel()
	one := func(t *testing.T) any { return value(t, `{"value":1}`) }
	two := func(t *testing.T) any { return value(t, `{"value":2}`) }
	type step struct {
		name   string
		change func(t *testing.T, current merkle.Ref) memory.Change
		fails  bool
		is     string // of the head afterwards; "" for a retraction
	}
	retract := func(cause merkle.Ref) memory.Change {
		return memory.Change{The: memory.JSON, Of: docOf, Cause: cause}
	}
	claim := func(cause merkle.Ref) memory.Change {
		return memory.Change{The: memory.JSON, Of: docOf, Cause: cause, Claim: true}
	}
	cases := []struct {
		name  string
		steps []step
	}{
		{"created twice", []step{
			{"first", func(t *testing.T, _ merkle.Ref) memory.Change { return memory.Assert(docOf, first(docOf), one(t)) }, false, `{"value":1}`},
			{"another first", func(t *testing.T, _ merkle.Ref) memory.Change { return memory.Assert(docOf, first(docOf), two(t)) }, true, `{"value":1}`},
			{"the same first", func(t *testing.T, _ merkle.Ref) memory.Change { return memory.Assert(docOf, first(docOf), one(t)) }, true, `{"value":1}`},
		}},
		{"updated, retracted, asserted again", []step{
			{"first", func(t *testing.T, _ merkle.Ref) memory.Change { return memory.Assert(docOf, first(docOf), one(t)) }, false, `{"value":1}`},
			{"next", func(t *testing.T, c merkle.Ref) memory.Change { return memory.Assert(docOf, c, two(t)) }, false, `{"value":2}`},
			{"retraction", func(_ *testing.T, c merkle.Ref) memory.Change { return retract(c) }, false, ""},
			{"again", func(t *testing.T, c merkle.Ref) memory.Change { return memory.Assert(docOf, c, one(t)) }, false, `{"value":1}`},
		}},
		{"a cause that is not current", []step{
			{"first", func(t *testing.T, _ merkle.Ref) memory.Change { return memory.Assert(docOf, first(docOf), one(t)) }, false, `{"value":1}`},
			{"stale", func(t *testing.T, _ merkle.Ref) memory.Change { return memory.Assert(docOf, merkle.Refer("x"), two(t)) }, true, `{"value":1}`},
		}},
		{"claims", []step{
			{"first", func(t *testing.T, _ merkle.Ref) memory.Change { return memory.Assert(docOf, first(docOf), one(t)) }, false, `{"value":1}`},
			{"holds", func(_ *testing.T, c merkle.Ref) memory.Change { return claim(c) }, false, `{"value":1}`},
			{"does not hold", func(*testing.T, merkle.Ref) memory.Change { return claim(merkle.Refer("x")) }, true, `{"value":1}`},
			{"nothing is there", func(*testing.T, merkle.Ref) memory.Change { return claim(first(docOf)) }, true, `{"value":1}`},
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var current merkle.Ref
			for _, s := range c.steps {
				_, err := w.memory.Transact(t.Context(), w.draft(s.change(t, current)))
				conflict, isConflict := errors.AsType[*memory.Conflict](err)
				if isConflict != s.fails || (err != nil && !isConflict) {
					t.Fatalf("%s: error %v, want a conflict: %v", s.name, err, s.fails)
				}
				head := w.head(docOf)
				if isConflict && (conflict.Actual == nil || conflict.Actual.Ref != head.Ref) {
					t.Errorf("%s: the conflict names %+v as what is there", s.name, conflict.Actual)
				}
				if string(head.Is) != s.is {
					t.Errorf("%s: the document is %s, want %s", s.name, head.Is, s.is)
				}
				current = merkle.Ref(head.Ref)
			}
		})
	}
}

func TestReplayIsAcceptedWhenAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range int64(2) {
		d := w.draft(memory.Assert(docOf, first(docOf), value(t, `{"value":1}`)))
		d.Replay = true
		receipt, err := w.memory.Transact(t.Context(), d)
		if err != nil || receipt.Since != n {
			t.Fatalf("time %d: commit %d, %v; every replay is a commit of its own", n, receipt.Since, err)
		}
	}
	if got := w.head(docOf).Since; got != 0 {
		t.Errorf("the replayed fact is of commit %d, want that of the first", got)
	}
}

func TestClaimOfNothingHoldsOnNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.memory.Transact(t.Context(), w.draft(memory.Change{The: memory.JSON, Of: docOf, Cause: first(docOf), Claim: true})); err != nil {
		t.Errorf("the claim that nothing is there failed: %v", err)
	}
}

func TestSubscribersHearCommitsInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mu sync.Mutex
	var heard []int64
	cancel := w.memory.Subscribe(did, func(e memory.Effect) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, e.Since)
	})
	defer w.memory.Subscribe("did:key:zOther", func(memory.Effect) { t.Error("heard of another space") })()
	var writers sync.WaitGroup
	for i := range 20 {
		writers.Go(func() {
			of := fmt.Sprintf("of:doc-%d", i)
			if _, err := w.memory.Transact(context.Background(), w.draft(memory.Assert(of, first(of), value(t, `{}`)))); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	if _, err := w.memory.Transact(t.Context(), w.draft(memory.Assert("of:doc-1", first("of:doc-1"), value(t, `{"value":1}`)))); err == nil {
		t.Error("a conflicting transaction was committed")
	}
	mu.Lock()
	for i, since := range heard {
		if int64(i) != since {
			t.Fatalf("heard commits in the order %v", heard)
		}
	}
	if len(heard) != 20 {
		t.Errorf("heard %d commits of 20", len(heard))
	}
	mu.Unlock()
	cancel()
	if _, err := w.memory.Transact(t.Context(), w.draft(memory.Assert("of:late", first("of:late"), value(t, `{}`)))); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(heard) != 20 {
		t.Error("heard a commit after the subscription ended")
	}
}

func TestHoldKeepsOtherWritersOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hold, err := w.memory.Hold(t.Context(), did, []string{docOf})
	if err != nil {
		t.Fatal(err)
	}
	mine := w.draft(memory.Assert(docOf, first(docOf), value(t, `{"value":"mine"}`)))
	other := w.draft(memory.Assert(docOf, first(docOf), value(t, `{"value":"other"}`)))
	err = w.store.Update(t.Context(), func(tx store.Tx) error {
		_, err := w.memory.Commit(tx, other, nil)
		return err
	})
	if !errors.Is(err, memory.ErrHeld) {
		t.Fatalf("another writer's commit ended with %v, want ErrHeld", err)
	}
	late := make(chan error, 1)
	go func() {
		_, err := w.memory.Transact(context.Background(), other)
		late <- err
	}()
	written, begun := make(chan error, 1), make(chan bool, 2)
	go func() {
		written <- w.memory.Write(context.Background(), did, memory.Write{
			Draft: func(r store.Reader, space charm.Space) (*memory.Draft, error) {
				begun <- true
				head, err := memory.Head(r, space, memory.JSON, docOf)
				cause := merkle.Ref(head.Ref)
				if errors.Is(err, store.ErrNotFound) {
					cause = first(docOf)
				} else if err != nil {
					return nil, err
				}
				return memory.NewDraft(space, did, []memory.Change{memory.Assert(docOf, cause, value(t, `{"value":"written"}`))}, nil, time.Now())
			},
		})
	}()
	<-begun
	w.update(func(tx store.Tx) error {
		_, err := w.memory.Commit(tx, mine, hold)
		return err
	})
	hold.Release()
	hold.Release()
	if err := <-written; err != nil {
		t.Errorf("the write that waited: %v", err)
	}
	if _, ok := errors.AsType[*memory.Conflict](<-late); !ok {
		t.Error("the writer that waited did not find the holder's value")
	}
	if got := string(w.head(docOf).Is); got != `{"value":"written"}` {
		t.Errorf("the document is %s", got)
	}
	again, err := w.memory.Hold(t.Context(), did, []string{"of:x", docOf})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.memory.Hold(ctx, did, []string{docOf}); !errors.Is(err, context.Canceled) {
		t.Errorf("a second hold ended with %v", err)
	}
	again.Release()
}

func TestConcurrentIncrementsAreAllThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const writers, each = 8, 25
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range each {
				for {
					var cause merkle.Ref
					n := 0.0
					w.view(func(r store.Reader) error {
						head, err := r.Head(w.space.Row, memory.JSON, docOf)
						if errors.Is(err, store.ErrNotFound) {
							cause = first(docOf)
							return nil
						}
						cause = merkle.Ref(head.Ref)
						v, _ := value(t, string(head.Is)).(*jsontext.Object).Get("value")
						n = v.(float64)
						return err
					})
					doc := jsontext.NewObject()
					doc.Set("value", n+1)
					_, err := w.memory.Transact(context.Background(), w.draft(memory.Assert(docOf, cause, doc)))
					if _, conflict := errors.AsType[*memory.Conflict](err); conflict {
						continue
					}
					if err != nil {
						t.Error(err)
					}
					break
				}
			}
		})
	}
	all.Wait()
	if got := string(w.head(docOf).Is); got != fmt.Sprintf(`{"value":%d}`, writers*each) {
		t.Errorf("the sum is %s, want %d", got, writers*each)
	}
}

func TestTooLargeDocumentIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	big := make([]byte, charm.MaxDocumentBytes)
	for i := range big {
		big[i] = 'x'
	}
	_, err := memory.NewDraft(w.space, issuer, []memory.Change{memory.Assert(docOf, first(docOf), string(big))}, nil, time.Now())
	if charm.CodeOf(err) != charm.CodeTooLarge {
		t.Errorf("got %v, want too_large", err)
	}
}
