package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/memory/client"
	"charmd/internal/memory/server"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

var owner = identity.FromPassphrase("the owner of the space")

// world is our server on a real database, which can be started again.
type world struct {
	t     *testing.T
	store store.Store
	stop  func()
}

func newWorld(t *testing.T) (w *world, address string) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlitetest.Path(t), sqlite.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	w = &world{t: t, store: db}
	address = w.start()
	t.Cleanup(func() {
		w.stop()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return w, address
}

// start serves on a new address.
func (w *world) start() string {
	w.t.Helper()
	memories := server.New(server.Options{
		Store: w.store, Memory: memory.New(w.store, owner.DID(), time.Now), Operator: identity.FromPassphrase("the operator").DID(),
		Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	web, served := &http.Server{Handler: memories}, make(chan struct{})
	go func() {
		defer close(served)
		_ = web.Serve(l)
	}()
	w.stop = func() {
		at, cancel := context.WithCancel(context.Background())
		cancel()
		memories.Close(at)
		_ = web.Close()
		<-served
	}
	return l.Addr().String()
}

// again stops the server and starts it anew.
func (w *world) again() (address string) {
	w.stop()
	return w.start()
}

func connect(t *testing.T, url string) *client.Space {
	t.Helper()
	c, err := client.New(client.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.Space(owner.DID(), owner)
}

// said is a document that names who wrote it, so that no two writers make one fact.
func said(n float64, by string) any {
	value := jsontext.NewObject()
	value.Set("n", n)
	value.Set("by", by)
	return value
}

func n(f client.Fact) float64 {
	v, _ := f.Value().Get("n")
	number, _ := v.(float64)
	return number
}

// readOf reads a place, again when the server that was asked says that it is stopping.
func readOf(ctx context.Context, space *client.Space, at client.Place) (client.Fact, error) {
	for {
		if f, err := space.Read(ctx, at); charm.CodeOf(err) != charm.CodeUnavailable || ctx.Err() != nil {
			return f, err
		}
	}
}

// count adds one to the counter so many times. With each it writes how far it is
// into a place of its own, which tells afterwards what became of a transaction
// whatever others have done since. It returns how many were applied whose answers
// were lost.
func count(ctx context.Context, space *client.Space, counter client.Place, name string, times int) (lost int, err error) {
	mine := client.Fact{Place: client.Document("progress-of-" + name)}
	for i := range times {
		for {
			now, err := readOf(ctx, space, counter)
			if err != nil {
				return lost, fmt.Errorf("reading: %w", err)
			}
			by := fmt.Sprintf("%s, %d", name, i+1)
			next := mine.Assert(said(float64(i+1), by))
			receipt, err := space.Transact(ctx, []client.Fact{now.Assert(said(n(now)+1, by)), next})
			if err == nil {
				mine = next
				if receipt.Since < 0 {
					lost++
				}
				break
			}
			if _, unknown := errors.AsType[*client.Unknown](err); unknown || ctx.Err() != nil {
				return lost, fmt.Errorf("writing: %w", err)
			}
			// A conflict, or a server that is stopping: it says that nothing was written.
			if own, err := readOf(ctx, space, mine.Place); err != nil || own.Ref != mine.Ref {
				return lost, fmt.Errorf("after an error %s stands at %v (%v), want %v", name, own.Ref, err, mine.Ref)
			}
		}
	}
	return lost, nil
}

// Writers on a network that delays and cuts, and a server that is started again
// meanwhile: each of their increments counts once, and who watches sees the end.
func TestIncrementsSumExactlyOnABadNetwork(t *testing.T) {
	t.Parallel()
	const writers, times = 4, 30
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w, address := newWorld(t)
			network := newProxy(t, address, seed)
			counter := client.Document("counter")

			watching := connect(t, network.url())
			view, err := watching.Subscribe(t.Context(), client.Selection{counter})
			if err != nil {
				t.Fatal(err)
			}
			whole, err := connect(t, network.url()).Subscribe(t.Context(), client.Documents())
			if err != nil {
				t.Fatal(err)
			}

			var all sync.WaitGroup
			half := make(chan struct{}, writers)
			var lost atomic.Int64
			for i := range writers {
				all.Go(func() {
					name := fmt.Sprint("writer ", i)
					space := connect(t, network.url())
					first, err := count(t.Context(), space, counter, name, times/2)
					half <- struct{}{}
					if err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
					second, err := count(t.Context(), space, counter, name+" again", times/2)
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
					lost.Add(int64(first + second))
				})
			}
			for range 2 {
				<-half
				network.to(w.again())
			}
			all.Wait()
			network.rest()
			if t.Failed() {
				return // what is waited for does not come
			}

			for what, u := range map[string]*client.Subscription{"the counter's view": view, "the space's view": whole} {
				last := n(u.Fact(counter))
				for last != writers*times {
					if _, err := u.Next(t.Context()); err != nil {
						t.Fatalf("%s: %v", what, err)
					}
					if now := n(u.Fact(counter)); now < last {
						t.Errorf("%s went from %v back to %v", what, last, now)
					} else {
						last = now
					}
				}
			}
			final, err := watching.Read(t.Context(), counter)
			if err != nil || n(final) != writers*times {
				t.Errorf("the counter stands at %v, %v; want %d", n(final), err, writers*times)
			}
			network.mu.Lock()
			defer network.mu.Unlock()
			t.Logf("cut %v; %d transactions were applied whose answers were lost", network.cuts, lost.Load())
			if network.cuts["before the answer"] == 0 || network.cuts["within the request"] == 0 {
				t.Error("the network was not bad enough")
			}
		})
	}
}
