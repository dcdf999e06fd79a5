package service_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/memory/frames"
	"charmd/internal/merkle"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
)

// Clients who share a space change some of its documents at random, several at
// once, until the service is killed, and again after its next start. What is on
// disk then is a log of entries that chain, each change in it follows the fact that
// was current, everything that a client was told of stands where it was told, and
// all clients find the same.
func TestRandomTransactionsOverKills(t *testing.T) {
	t.Parallel()
	const clients, documents, each = 4, 5, 15
	rounds := max(2, kills(t)/15) // of a kill each
	owner := identity.FromPassphrase("the owner of what is shared")
	d := startDaemon(t, t.TempDir())
	told := map[int64]merkle.Ref{} // number in the log → the invocation of whoever was told so
	var mu sync.Mutex
	for round := range rounds {
		var all sync.WaitGroup
		enough := make(chan struct{}, clients)
		for n := range clients {
			w, err := d.dial(owner, owner.DID())
			if err != nil {
				t.Fatal(err)
			}
			w.sent = 1e6 * (round*clients + n) // no two send the same
			seed := rand.New(rand.NewPCG(uint64(round), uint64(n)))
			all.Go(func() {
				for accepted := 0; ; {
					since, ref, err := w.changeSome(t.Context(), seed, documents)
					switch {
					case err == nil:
						mu.Lock()
						if before, twice := told[since]; twice {
							t.Errorf("%s and %s were both told that they are entry %d", before, ref, since)
						}
						told[since] = ref
						mu.Unlock()
						if accepted++; accepted == each {
							enough <- struct{}{}
						}
					case strings.Contains(err.Error(), "Error"): // of the protocol
						if !strings.Contains(err.Error(), frames.ConflictError) {
							t.Error(err)
						}
					default: // the service is gone
						if accepted < each {
							t.Errorf("it was gone after %d: %v", accepted, err)
							enough <- struct{}{}
						}
						return
					}
				}
			})
		}
		for range clients {
			<-enough
		}
		d.Kill()
		all.Wait()
		heads := logOnDisk(t, d.Dir, owner.DID(), told)
		var err error
		if d, err = d.again(t); err != nil {
			t.Fatal(err)
		}
		for range clients {
			w, err := d.dial(owner, owner.DID())
			if err != nil {
				t.Fatal(err)
			}
			for of, want := range heads {
				if _, cause, err := w.read(t.Context(), of); err != nil || cause != want {
					t.Errorf("round %d: a client finds %s at %s, the log ends with %s (%v)", round, of, cause, want, err)
				}
			}
		}
	}
	t.Logf("%d transactions were accepted", len(told))
}

// changeSome makes one transaction of some documents as they stand, and returns what
// it is known by in the log.
func (w *socket) changeSome(ctx context.Context, seed *rand.Rand, documents int) (since int64, ref merkle.Ref, err error) {
	var parts []string
	for _, n := range seed.Perm(documents)[:1+seed.IntN(3)] {
		of := fmt.Sprint("of:", n)
		_, cause, err := w.read(ctx, of)
		if err != nil {
			return 0, ref, err
		}
		body := fmt.Sprintf(`{"is":{"value":%d}}`, w.sent)
		if seed.IntN(6) == 0 {
			body = "true"
		}
		parts = append(parts, fmt.Sprintf(`%q:{"application/json":{%q:%s}}`, of, cause, body))
	}
	found, err := w.ask(ctx, frames.Transact, `{"changes":{`+strings.Join(parts, ",")+`}}`)
	if err != nil {
		return 0, ref, err
	}
	entry := only(only(only(found)))
	is, _ := entry.Get("is")
	number, _ := is.(*jsontext.Object).Get("since")
	transaction, _ := is.(*jsontext.Object).Get("transaction")
	return int64(number.(float64)), merkle.Refer(transaction), nil
}

// only is the one member of an object.
func only(o *jsontext.Object) (inner *jsontext.Object) {
	for _, v := range o.All() {
		inner, _ = v.(*jsontext.Object)
	}
	return inner
}

// logOnDisk goes through a space's log as the service has left it, believing
// nothing of it, and returns the current fact of each document.
func logOnDisk(t *testing.T, dir, did string, told map[int64]merkle.Ref) map[string]merkle.Ref {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "charmd.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	heads, found := map[string]merkle.Ref{}, 0
	err = db.View(t.Context(), func(r store.Reader) error {
		space, err := r.Space(did)
		if err != nil {
			return err
		}
		last := merkle.Unclaimed(memory.CommitJSON, did)
		for n := range space.Since + 1 {
			entry, err := r.CommitAt(space.Row, n)
			if err != nil {
				return err
			}
			v, err := jsontext.Parse(memory.EntryText(n, entry.Transaction), jsontext.DefaultLimits)
			if err != nil {
				return err
			}
			is := merkle.Refer(v)
			if last = merkle.FactRef(memory.CommitJSON, did, &is, last); last != entry.Ref {
				t.Errorf("entry %d does not follow the one before", n)
			}
			transaction, _ := v.(*jsontext.Object).Get("transaction")
			if ref, ok := told[n]; ok {
				found++
				if ref != merkle.Refer(transaction) {
					t.Errorf("entry %d is another than a client was told of", n)
				}
			}
			follow(t, heads, n, transaction.(*jsontext.Object))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found != len(told) {
		t.Errorf("of %d transactions that were acknowledged %d are there", len(told), found)
	}
	return heads
}

// follow applies entry n, each of whose changes must follow what is current.
func follow(t *testing.T, heads map[string]merkle.Ref, n int64, invocation *jsontext.Object) {
	t.Helper()
	args, _ := invocation.Get("args")
	changes, _ := args.(*jsontext.Object).Get("changes")
	for of, facts := range changes.(*jsontext.Object).All() {
		for text, body := range only(facts.(*jsontext.Object)).All() {
			cause, err := merkle.ParseString(text)
			if err != nil {
				t.Fatal(err)
			}
			current, there := heads[of]
			if !there {
				current = merkle.Unclaimed(memory.JSON, of)
			}
			if cause != current {
				t.Errorf("entry %d changes %s after %s, when %s was current", n, of, cause, current)
			}
			if o, asserts := body.(*jsontext.Object); asserts {
				is, _ := o.Get("is")
				ref := merkle.Refer(is)
				heads[of] = merkle.FactRef(memory.JSON, of, &ref, cause)
			}
		}
	}
}
