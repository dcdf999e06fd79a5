package client

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory/frames"
)

// subscribed makes a view that holds facts.
func subscribed(t *testing.T, space *Space, p *peer, sel Selection, facts ...Fact) *Subscription {
	t.Helper()
	made := later(func() (*Subscription, error) { return space.Subscribe(t.Context(), sel) })
	p.request(frames.Subscribe)
	p.facts(p.request(frames.Query), facts...)
	r := <-made
	if r.err != nil {
		t.Fatal(r.err)
	}
	return r.value
}

// news reads changes until one of the last has come.
func news(t *testing.T, u *Subscription, last float64) (all []float64) {
	t.Helper()
	for {
		facts, err := u.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range facts {
			all = append(all, n(f))
		}
		if all[len(all)-1] == last {
			return all
		}
	}
}

// What is committed between the subscription and the answer to the query is in the
// view, whichever comes first on the wire.
func TestSubscribeLeavesNoGap(t *testing.T) {
	t.Parallel()
	a := chain(docA, 3)
	for name, answer := range map[string]Fact{"the answer is newer": a[1], "the answer is older": a[0]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			space, p := newToolshed(t).open()
			made := later(func() (*Subscription, error) { return space.Subscribe(t.Context(), Selection{docA}) })
			p.request(frames.Subscribe)
			q := p.request(frames.Query)
			p.effect(a[1])
			// The effect came before anything was held, so the place is asked for.
			again := p.request(frames.Query)
			p.facts(q, answer)
			p.facts(again, a[1])
			r := <-made
			if r.err != nil {
				t.Fatal(r.err)
			}
			p.effect(a[2])
			news(t, r.value, 3)
			if got := n(r.value.Fact(docA)); got != 3 {
				t.Errorf("it holds %v", got)
			}
		})
	}
}

func TestAViewCatchesUpAfterAReconnect(t *testing.T) {
	t.Parallel()
	server := newToolshed(t)
	changes := make(chan error, 10)
	space := server.client(func(err error) { changes <- err })
	p := server.accept()
	a, b := chain(docA, 5), chain(docB, 1)
	u := subscribed(t, space, p, Documents(), a[0])
	p.effect(a[1])
	news(t, u, 2)
	p.cut()

	p = server.accept()
	p.request(frames.Subscribe)
	q := p.request(frames.Query)
	p.effect(a[4]) // others are missing before it
	again := p.request(frames.Query)
	p.facts(q, a[3], b[0])
	p.facts(again, a[4])
	if got := news(t, u, 5); len(got) != 3 && len(got) != 2 {
		t.Errorf("news %v", got)
	}
	if got := n(u.Fact(docA)); got != 5 {
		t.Errorf("it holds %v", got)
	}
	if got := n(u.Fact(docB)); got != 1 {
		t.Errorf("the other holds %v", got)
	}
	if err := <-changes; err != nil {
		t.Errorf("first told %v", err)
	}
	if err := <-changes; charm.CodeOf(err) != charm.CodeUnavailable {
		t.Errorf("then told %v", err)
	}
	if err := <-changes; err != nil {
		t.Errorf("last told %v", err)
	}
}

func TestExtend(t *testing.T) {
	t.Parallel()
	server := newToolshed(t)
	space, p := server.open()
	a, b := chain(docA, 2), chain(docB, 2)
	u := subscribed(t, space, p, Selection{docA}, a[0])
	u.Look(func(at func(Place) (Fact, bool)) {
		if f, covered := at(docA); !covered || n(f) != 1 {
			t.Errorf("it holds %v, %v", f, covered)
		}
		if _, covered := at(docB); covered {
			t.Error("it covers what was not asked for")
		}
	})
	p.effect(b[0]) // not ours
	read := later(func() (Fact, error) { return space.Read(t.Context(), docB) })
	p.facts(p.request(frames.Query), b[0]) // what was sent before it has been taken
	<-read
	done := later(func() (any, error) { return nil, u.Extend(t.Context(), Selection{docB}) })
	p.request(frames.Subscribe)
	p.facts(p.request(frames.Query), b[0])
	if r := <-done; r.err != nil {
		t.Fatal(r.err)
	}
	p.effect(a[1], b[1]) // in one transaction
	if got := news(t, u, 2); len(got) != 2 {
		t.Errorf("news %v", got)
	}
	p.cut()
	p = server.accept() // both parts begin again
	for range 2 {
		p.request(frames.Subscribe)
		p.request(frames.Query)
	}
}

func TestSubscriptionsEnd(t *testing.T) {
	t.Parallel()
	server := newToolshed(t)
	space, p := server.open()

	// Closed by us: it is unsubscribed, and effects that come all the same do nothing.
	u := subscribed(t, space, p, Selection{docA})
	u.Close()
	source := text(p.request(frames.Unsubscribe).Args, "source")
	p.send(frames.Return(source, []byte(`{"ok":{}}`)))
	p.effect(chain(docA, 1)...)
	if _, err := u.Next(t.Context()); charm.CodeOf(err) != charm.CodeCancelled {
		t.Errorf("%v, want that it was closed", err)
	}

	// Refused.
	made := later(func() (*Subscription, error) { return space.Subscribe(t.Context(), Selection{docA}) })
	r := p.request(frames.Subscribe)
	p.send(frames.Return(r.Job(), []byte(`{"error":{"name":"AuthorizationError"}}`)))
	if r := <-made; charm.CodeOf(r.err) != charm.CodeForbidden {
		t.Errorf("%v, want forbidden", r.err)
	}
	p.request(frames.Query)

	// Ended by the toolshed.
	made = later(func() (*Subscription, error) { return space.Subscribe(t.Context(), Selection{docA}) })
	r = p.request(frames.Subscribe)
	p.facts(p.request(frames.Query))
	u = (<-made).value
	p.send(frames.Return(r.Job(), []byte(`{"ok":{}}`)))
	if _, err := u.Next(t.Context()); charm.CodeOf(err) != charm.CodeUnavailable {
		t.Errorf("%v, want that it was ended", err)
	}

	// With the client.
	u = subscribed(t, space, p, Selection{docB})
	space.client.Close()
	if _, err := u.Next(t.Context()); charm.CodeOf(err) != charm.CodeCancelled {
		t.Errorf("%v, want that the client was closed", err)
	}
	if _, err := space.Subscribe(t.Context(), Documents()); charm.CodeOf(err) != charm.CodeCancelled {
		t.Errorf("%v, want that the client was closed", err)
	}
}

// What makes no sense ends the connection; calls that only read are made again on
// the next one.
func TestFault24_NonsenseEndsTheConnection(t *testing.T) {
	t.Parallel()
	depth := strings.Repeat("[", 600) + strings.Repeat("]", 600)
	for name, send := range map[string]func(p *peer){
		"no JSON":    func(p *peer) { p.send([]byte(`{bad`)) },
		"no message": func(p *peer) { p.send([]byte(`{"the":"task/other","of":"x","is":{}}`)) },
		"too deep":   func(p *peer) { p.send([]byte(`{"the":"task/return","of":"x","is":{"ok":` + depth + `}}`)) },
		"no cause": func(p *peer) {
			p.send([]byte(`{"the":"task/effect","of":"x","is":{"sub":"` + owner.DID() + `","args":{"changes":{"of:baedreia":{"application/json":{"nonsense":{}}}}}}}`))
		},
		"binary": func(p *peer) { _ = p.conn.Write(p.t.Context(), websocket.MessageBinary, []byte(`{}`)) },
		"half a message": func(p *peer) {
			w, _ := p.conn.Writer(p.t.Context(), websocket.MessageText)
			_, _ = w.Write([]byte(`{"the"`))
			p.cut()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newToolshed(t)
			space, p := server.open()
			subscribed(t, space, p, Selection{docA})
			read := later(func() (Fact, error) { return space.Read(t.Context(), docB) })
			p.request(frames.Query)
			send(p)
			p = server.accept()
			p.request(frames.Subscribe)
			p.facts(p.request(frames.Query))
			p.facts(p.request(frames.Query), chain(docB, 1)...)
			if r := <-read; r.err != nil || n(r.value) != 1 {
				t.Errorf("%v, %v", r.value, r.err)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	server := newToolshed(t)
	space := server.client(nil)
	nothing := Fact{Place: docA}
	deep := any("x")
	for range charm.MaxDepth {
		deep = []any{deep}
	}
	if _, err := space.Transact(t.Context(), []Fact{nothing.Assert(deep)}); charm.CodeOf(err) != charm.CodeTooLarge {
		t.Errorf("too deep: %v", err)
	}
	if _, err := space.Transact(t.Context(), []Fact{nothing.Assert(strings.Repeat("x", frames.MaxBytes))}); charm.CodeOf(err) != charm.CodeTooLarge {
		t.Errorf("too large: %v", err)
	}
	if _, err := space.Transact(t.Context(), []Fact{nothing.Assert(nil)}, nothing); charm.CodeOf(err) != charm.CodeInvalid {
		t.Errorf("a place twice: %v", err)
	}
	for _, url := range []string{"", "localhost:8000", "ftp://x", "ws://x"} {
		if _, err := New(Options{URL: url}); charm.CodeOf(err) != charm.CodeUsage {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// A toolshed that takes requests and answers none is not given more than so many;
// those that wait their turn can be given up.
func TestUnansweredRequestsAreBounded(t *testing.T) {
	t.Parallel()
	server := newToolshed(t)
	space, p := server.open()
	ctx, cancel := context.WithCancel(t.Context())
	const each = maxUnanswered / 4
	args := jsontext.NewObject()
	args.Set("select", strings.Repeat("x", each-1000))
	var waiting []<-chan result[any]
	for range 10 {
		waiting = append(waiting, later(func() (any, error) { return space.client.do(ctx, space.call(frames.Query, args)) }))
	}
	var taken []*frames.Request
	for range 4 {
		taken = append(taken, p.request(frames.Query))
	}
	if space.client.room.TryAcquire(leastWeight * 10) {
		t.Error("there is room for more")
	}
	p.ok(taken[0], `{}`)
	p.request(frames.Query) // the next one gets its turn
	cancel()
	given := 0
	for _, w := range waiting {
		if r := <-w; errors.Is(r.err, context.Canceled) {
			given++
		}
	}
	if given != 9 {
		t.Errorf("%d were given up, want 9", given)
	}
	if !space.client.room.TryAcquire(maxUnanswered) {
		t.Error("room is still taken")
	}
}

// What answers and serves no memory is named as such, and is asked again.
func TestSomethingElseThatAnswers(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	told := make(chan error, 1)
	c, err := New(Options{URL: server.URL + "/", Changed: func(err error) { told <- err }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = <-told
	contains(t, err, "what answers at "+server.URL+" serves no memory: it answered 404 Not Found")
	if charm.CodeOf(err) != charm.CodeUnavailable {
		t.Errorf("code %s", charm.CodeOf(err))
	}
}
