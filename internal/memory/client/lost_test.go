package client

import (
	"context"
	"errors"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/memory/frames"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	a, b := chain(docA, 4), chain(docB, 4)
	other := a[0].Assert(num(77)) // in the place of a[1]
	after := other.Assert(num(78))
	now := func(facts ...Fact) map[Place]Fact {
		m := map[Place]Fact{}
		for _, f := range facts {
			m[f.Place] = f
		}
		return m
	}
	cases := []struct {
		name    string
		changes []Fact
		now     map[Place]Fact
		want    verdict
	}{
		{"it is there", a[1:2], now(a[1]), applied},
		{"what follows it is there", a[1:2], now(a[2]), applied},
		{"what follows that is there", a[1:2], now(a[3]), moved},
		{"what was there still is", a[1:2], now(a[0]), open},
		{"nothing was there and nothing is", a[:1], now(), open},
		{"another took its place", a[1:2], now(other), impossible},
		{"another and one after it", a[1:2], now(after), moved},
		{"what was there is gone", a[1:2], now(), impossible},
		{"it was the first, and is", a[:1], now(a[0]), applied},
		{"one of two is there, the other long past", []Fact{a[1], b[0]}, now(a[3], b[0]), applied},
		{"one of two waits, the other is long past", []Fact{a[1], b[0]}, now(a[3]), impossible},
		{"both wait", []Fact{a[1], b[0]}, now(a[0]), open},
		{"both are long past", []Fact{a[0], b[0]}, now(a[3], b[3]), moved},
		{"one waits, the place of the other is taken", []Fact{a[1], b[0]}, now(other), impossible},
		{"a retraction that is there", []Fact{a[0].Retract()}, now(a[0].Retract()), applied},
		{"no changes at all", nil, now(), open},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got, _ := judge(c.changes, c.now); got != c.want {
				t.Errorf("verdict %d, want %d", got, c.want)
			}
		})
	}
}

// The connection ends between a transaction and its answer. What the client then
// says is what the toolshed says when it is asked.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	a := chain(docA, 4)
	other := a[0].Assert(num(77))
	cases := []struct {
		name   string
		after  func(p *peer) // on the next connection, from the question on
		since  int64
		verify func(t *testing.T, err error)
	}{
		{"applied", func(p *peer) { p.facts(p.request(frames.Query), a[1]) }, -1, nil},
		{"applied and followed", func(p *peer) { p.facts(p.request(frames.Query), a[2]) }, -1, nil},
		{"overtaken", func(p *peer) { p.facts(p.request(frames.Query), other) }, 0, wantConflict(other)},
		{"not to be told any more", func(p *peer) { p.facts(p.request(frames.Query), a[3]) }, 0, wantUnknown},
		{"not there yet: sent again", func(p *peer) {
			p.facts(p.request(frames.Query), a[0])
			p.committed(p.request(frames.Transact), "9")
		}, 9, nil},
		{"not there yet, then the first copy arrives and is followed", func(p *peer) {
			p.facts(p.request(frames.Query), a[0])
			p.conflict(p.request(frames.Transact), a[2])
			p.facts(p.request(frames.Query), a[2])
		}, -1, nil},
		{"not there yet, then another takes its place", func(p *peer) {
			p.facts(p.request(frames.Query), a[0])
			p.conflict(p.request(frames.Transact), other)
			p.facts(p.request(frames.Query), other)
		}, 0, wantConflict(other)},
		{"not there yet, then a claim does not hold any more", func(p *peer) {
			p.facts(p.request(frames.Query), a[0])
			p.conflict(p.request(frames.Transact), chain(docB, 2)[1])
			p.facts(p.request(frames.Query), a[0])
		}, 0, wantConflict(chain(docB, 2)[1])},
		{"not there yet, then refused", func(p *peer) {
			p.facts(p.request(frames.Query), a[0])
			r := p.request(frames.Transact)
			p.send(frames.Return(r.Job(), []byte(`{"error":{"name":"TransactionError","message":"no room"}}`)))
			p.facts(p.request(frames.Query), a[0])
		}, 0, wantUnknown},
		{"and it may not be asked", func(p *peer) {
			r := p.request(frames.Query)
			p.send(frames.Return(r.Job(), []byte(`{"error":{"name":"AuthorizationError"}}`)))
		}, 0, wantUnknown},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := newToolshed(t)
			space, first := server.open()
			made := later(func() (Receipt, error) { return space.Transact(t.Context(), a[1:2], chain(docB, 1)...) })
			first.request(frames.Transact)
			first.cut()
			c.after(server.accept())
			r := <-made
			if c.verify != nil {
				c.verify(t, r.err)
			} else if r.err != nil || r.value.Since != c.since {
				t.Errorf("%+v, %v; want since %d", r.value, r.err, c.since)
			}
		})
	}
}

func wantUnknown(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*Unknown](err); !ok {
		t.Errorf("%v, want that it is not known", err)
	}
}

func wantConflict(actual Fact) func(*testing.T, error) {
	return func(t *testing.T, err error) {
		t.Helper()
		c, ok := errors.AsType[*Conflict](err)
		if !ok || c.Actual == nil || c.Actual.Ref != actual.Ref || c.Place != actual.Place {
			t.Errorf("%v, want a conflict with %v", err, actual.Ref)
		}
	}
}

// A view of the same place may have seen what the toolshed does not tell any more.
func TestAViewKnowsWhatBecameOfATransaction(t *testing.T) {
	t.Parallel()
	server := newToolshed(t)
	space, p := server.open()
	a := chain(docA, 4)
	made := later(func() (*Subscription, error) { return space.Subscribe(t.Context(), Selection{docA}) })
	p.request(frames.Subscribe)
	p.facts(p.request(frames.Query), a[0])
	if r := <-made; r.err != nil {
		t.Fatal(r.err)
	}
	sent := later(func() (Receipt, error) { return space.Transact(t.Context(), a[1:2]) })
	p.request(frames.Transact)
	for _, f := range a[1:] {
		p.effect(f)
	}
	read := later(func() (Fact, error) { return space.Read(t.Context(), docB) })
	p.facts(p.request(frames.Query)) // what was sent before it has been taken
	<-read
	p.cut()
	if r := <-sent; r.err != nil || r.value.Since != -1 {
		t.Errorf("%+v, %v; want that it was applied", r.value, r.err)
	}
}

// Whoever does not wait for the answer is told that it is not known; what was
// never sent was certainly not applied.
func TestTransactionsThatAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	server := newToolshed(t)
	space, p := server.open()
	ctx, cancel := context.WithCancel(t.Context())
	sent := later(func() (Receipt, error) { return space.Transact(ctx, chain(docA, 1)) })
	r := p.request(frames.Transact)
	cancel()
	wantUnknown(t, (<-sent).err)
	p.committed(r, "0") // nobody waits for it any more, which hurts nobody

	_, err := space.Transact(canceled(), chain(docA, 1))
	if _, unknown := errors.AsType[*Unknown](err); unknown || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that it was given up", err)
	}

	last := later(func() (Receipt, error) { return space.Transact(t.Context(), chain(docA, 1)) })
	p.request(frames.Transact)
	space.client.Close()
	wantUnknown(t, (<-last).err)
	if _, err := space.Transact(t.Context(), chain(docA, 1)); charm.CodeOf(err) != charm.CodeCancelled {
		t.Errorf("%v, want that the client is closed", err)
	}
}

// A transaction that ends every connection is not sent for ever, and neither is
// such a query.
func TestWhatEndsEveryConnection(t *testing.T) {
	t.Parallel()
	server := newToolshed(t)
	space := server.client(nil)
	asked := later(func() (Fact, error) { return space.Read(t.Context(), docA) })
	for range maxSent {
		p := server.accept()
		p.request(frames.Query)
		p.send(frames.Return("job:somebody's", []byte(`{"ok":{}}`))) // so that the client is not made to wait
		p.cut()
	}
	r := <-asked
	contains(t, r.err, "got a query 20 times and never answered")
}
