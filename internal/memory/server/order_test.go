package server_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/memory/frames"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// A client that waits for no answer gets all of them, in order, each transaction
// made after the one before; what fails in between fails alone.
func TestRequestsThatDoNotWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn, owner := w.dial(), user("owner")
	space := owner.DID()
	var sent []*frames.Invocation
	send := func(i *frames.Invocation) {
		sent = append(sent, i)
		conn.send(frames.Sign(i, owner))
	}
	const writes = 300
	cause := first(doc)
	for n := range writes {
		value := fmt.Sprint(n)
		send(write(t, space, owner, doc, cause, value))
		cause = factOf(t, doc, cause, value)
		switch n % 50 {
		case 20:
			send(write(t, space, owner, doc, first(doc), `"stale"`))
		case 30:
			send(query(t, space, owner, doc))
		}
	}
	var since float64
	for n, i := range sent {
		m := conn.next()
		if m.Of != i.Job() {
			t.Fatalf("answer %d is that of another request", n)
		}
		v, err := m.Result()
		switch {
		case i.Cmd == frames.Query:
			if want := factsNow(t, sent[:n]); jsontext.Text(value(t, v, space, doc, memory.JSON)) != want {
				t.Errorf("query %d shows %s, want %s", n, jsontext.Text(v), want)
			}
		case err != nil:
			if e, ok := err.(*frames.Error); !ok || e.Name != frames.ConflictError {
				t.Fatalf("request %d: %v", n, err)
			}
		default:
			if got := value(t, v, space, memory.CommitJSON).(*jsontext.Object); mustGet(t, got, "since") != since {
				t.Fatalf("request %d is number %v, want %v", n, mustGet(t, got, "since"), since)
			}
			since++
		}
	}
	if since != writes {
		t.Errorf("%v transactions were committed, want %d", since, writes)
	}
}

// factsNow is the value that the last of the writes that do not fail has written.
func factsNow(t *testing.T, sent []*frames.Invocation) string {
	last := -1
	for _, i := range sent {
		if i.Cmd == frames.Transact {
			last++
		}
	}
	return fmt.Sprint(last - (last+29)/51) // one in 50 is stale
}

// value is what a result has at a place, and below it the value of the one fact there.
func value(t *testing.T, v any, path ...string) any {
	t.Helper()
	for _, key := range path {
		v = mustGet(t, v.(*jsontext.Object), key)
	}
	facts := v.(*jsontext.Object)
	for _, cause := range facts.Keys() {
		is, _ := mustGet(t, facts, cause).(*jsontext.Object).Get("is")
		return is
	}
	return nil
}

func mustGet(t *testing.T, o *jsontext.Object, key string) any {
	t.Helper()
	v, ok := o.Get(key)
	if !ok {
		t.Fatalf("there is no %s in %s", key, short(jsontext.Text(o)))
	}
	return v
}

// A run that holds a document holds up those who write it, and the order of what
// one client sends stays.
func TestHeldDocumentsHoldUpTheWire(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn, owner := w.dial(), user("owner")
	space := owner.DID()
	hold, err := w.memory.Hold(t.Context(), space, []string{doc})
	if err != nil {
		t.Fatal(err)
	}
	a := write(t, space, owner, doc, first(doc), "1")
	b := write(t, space, owner, doc, factOf(t, doc, first(doc), "1"), "2")
	conn.send(frames.Sign(a, owner))
	conn.send(frames.Sign(b, owner))
	w.dial().mustDo(write(t, space, owner, "of:free", first("of:free"), "3"), owner) // others go on
	hold.Release()
	for n, i := range []*frames.Invocation{a, b} {
		m := conn.next()
		v, err := m.Result()
		if err != nil || m.Of != i.Job() {
			t.Fatalf("write %d: %v of %s", n, err, m.Of)
		}
		if since := mustGet(t, value(t, v, space, memory.CommitJSON).(*jsontext.Object), "since"); since != float64(n+1) {
			t.Errorf("write %d is number %v in the log", n, since)
		}
	}
}

// peer is a client as the original has them: it subscribes, then queries, and
// integrates effects by their causes.
type peer struct {
	*client
	key   *identity.Key
	space string
	view  map[string]merkle.Ref // the current fact of each document it knows
	is    map[string]string
}

// integrate takes what an effect or a query says.
func (p *peer) integrate(t *testing.T, byOf *jsontext.Object) {
	for of, v := range byOf.All() {
		facts, ok := v.(*jsontext.Object).Get(memory.JSON)
		if !ok {
			continue
		}
		for text, change := range facts.(*jsontext.Object).All() {
			body, ok := change.(*jsontext.Object)
			if !ok {
				break // a claim
			}
			cause, err := merkle.ParseString(text)
			if err != nil {
				t.Error(err)
			}
			var is *merkle.Ref
			shown := ""
			if v, ok := body.Get("is"); ok {
				ref := merkle.Refer(v)
				is, shown = &ref, jsontext.Text(v)
			}
			p.view[of], p.is[of] = merkle.FactRef(memory.JSON, of, is, cause), shown
			break
		}
	}
}

// Random transactions of clients who do not know of each other: in the end all
// see the same, and what was accepted is one chain for each fact.
func TestViewsConverge(t *testing.T) {
	t.Parallel()
	const peers, steps, documents = 5, 60, 4
	w := newWorld(t)
	owner := user("owner")
	space := owner.DID()
	var all sync.WaitGroup
	list := make([]*peer, peers)
	accepted := make([]int, peers)
	for n := range peers {
		p := &peer{client: w.dial(), key: owner, space: space, view: map[string]merkle.Ref{}, is: map[string]string{}}
		list[n] = p
		seed := rand.New(rand.NewPCG(7, uint64(n)))
		all.Go(func() { accepted[n] = p.live(t, seed, steps, documents) })
	}
	all.Wait()
	if t.Failed() {
		return
	}
	total := 0
	for _, n := range accepted {
		total += n
	}
	if total < steps {
		t.Errorf("only %d transactions were accepted", total)
	}
	// One more of everybody's sees all effects before it.
	heads := w.replay(space, total)
	for n, p := range list {
		p.settle(t)
		for of, want := range heads {
			if p.view[of] != want {
				t.Errorf("peer %d sees %s of %s, the server has %s", n, p.view[of], of, want)
			}
		}
	}
}

// live makes random changes with the causes it knows of; a conflict is fine. It
// returns how many were accepted.
func (p *peer) live(t *testing.T, seed *rand.Rand, steps, documents int) (accepted int) {
	p.send(frames.Sign(invocation(t, frames.Subscribe, p.space, p.key, `{"select":{"_":{"application/json":{}}}}`), p.key))
	p.settle(t)
	for step := range steps {
		changes := ""
		for range 1 + seed.IntN(2) {
			of := fmt.Sprintf("of:%d", seed.IntN(documents))
			cause, known := p.view[of]
			if !known {
				cause = first(of)
			}
			body := fmt.Sprintf(`{"is":{"value":[%d,%d]}}`, step, seed.IntN(1e6))
			switch seed.IntN(8) {
			case 0:
				body = "{}"
			case 1:
				body = "true"
			}
			if changes != "" {
				changes += ","
			}
			changes += fmt.Sprintf(`%q:{"application/json":{%q:%s}}`, of, cause, body)
		}
		i := frames.NewInvocation(frames.Transact, p.space, p.key.DID(), parse(t, `{"changes":{`+changes+`}}`).(*jsontext.Object), recordedAt, fmt.Sprint(seed.Int64()))
		p.client.send(frames.Sign(i, p.key))
		for {
			m := p.next()
			if m.The == frames.EffectOf {
				args := mustGet(t, m.Is, "args").(*jsontext.Object)
				p.integrate(t, mustGet(t, args, "changes").(*jsontext.Object))
				continue
			}
			if m.Of != i.Job() {
				t.Errorf("the answer of %s came instead of %s", m.Of, i.Job())
				return accepted
			}
			_, err := m.Result()
			if e, ok := err.(*frames.Error); ok && e.Name != frames.ConflictError {
				t.Error(err)
			}
			if err == nil {
				accepted++
			}
			break
		}
	}
	return accepted
}

// settle queries all, and takes the effects that come before the answer.
func (p *peer) settle(t *testing.T) {
	i := frames.NewInvocation(frames.Query, p.space, p.key.DID(), parse(t, `{"select":{"_":{"application/json":{}}}}`).(*jsontext.Object), recordedAt, fmt.Sprint(time.Now()))
	p.send(frames.Sign(i, p.key))
	for {
		m := p.next()
		if m.The == frames.EffectOf {
			p.integrate(t, mustGet(t, mustGet(t, m.Is, "args").(*jsontext.Object), "changes").(*jsontext.Object))
			continue
		}
		v, err := m.Result()
		if err != nil {
			t.Fatal(err)
		}
		// What effects said before is as new as the answer.
		before := len(p.view)
		known := map[string]merkle.Ref{}
		for of, ref := range p.view {
			known[of] = ref
		}
		p.integrate(t, mustGet(t, v.(*jsontext.Object), p.space).(*jsontext.Object))
		for of, ref := range known {
			if before > 0 && p.view[of] != ref {
				t.Errorf("a query shows %s as %s, effects had left it at %s", of, p.view[of], ref)
			}
		}
		return
	}
}

// replay goes through the log of a space as another would who trusts nothing:
// entries chain, and each change follows the fact that was current. It returns
// the current fact of each document.
func (w *world) replay(did string, entries int) map[string]merkle.Ref {
	w.t.Helper()
	heads := map[string]merkle.Ref{}
	err := w.store.View(w.t.Context(), func(r store.Reader) error {
		space, err := r.Space(did)
		if err != nil {
			return err
		}
		if space.Since != int64(entries-1) {
			w.t.Errorf("the log has %d entries, %d transactions were accepted", space.Since+1, entries)
		}
		last := merkle.Unclaimed(memory.CommitJSON, did)
		for n := range space.Since + 1 {
			entry, err := r.CommitAt(space.Row, n)
			if err != nil {
				return err
			}
			is := merkle.Refer(parse(w.t, string(memory.EntryText(n, entry.Transaction))))
			if last = merkle.FactRef(memory.CommitJSON, did, &is, last); last != entry.Ref {
				w.t.Fatalf("entry %d does not follow the one before", n)
			}
			w.apply(heads, n, parse(w.t, string(entry.Transaction)).(*jsontext.Object))
		}
		for of, ref := range heads {
			if f, err := r.Head(space.Row, memory.JSON, of); err != nil || f.Ref != ref {
				w.t.Errorf("the log ends with %s of %s, the store has %s (%v)", ref, of, merkle.Ref(f.Ref), err)
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return heads
}

func (w *world) apply(heads map[string]merkle.Ref, n int64, invocation *jsontext.Object) {
	args, _ := invocation.Get("args")
	changes, _ := args.(*jsontext.Object).Get("changes")
	for of, v := range changes.(*jsontext.Object).All() {
		facts, _ := v.(*jsontext.Object).Get(memory.JSON)
		for text, body := range facts.(*jsontext.Object).All() {
			cause, err := merkle.ParseString(text)
			if err != nil {
				w.t.Fatal(err)
			}
			current, there := heads[of]
			if !there {
				current = first(of)
			}
			if o, ok := body.(*jsontext.Object); ok {
				var is *merkle.Ref
				if v, ok := o.Get("is"); ok {
					ref := merkle.Refer(v)
					is = &ref
				}
				heads[of] = merkle.FactRef(memory.JSON, of, is, cause)
			}
			if cause != current && heads[of] != current { // a replay of what is current is accepted
				w.t.Errorf("entry %d changes %s after %s, when %s was current", n, of, cause, current)
			}
		}
	}
}

// Whoever is connected when the service stops gets what was in hand and a reason.
func TestClosing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn, idle, owner := w.dial(), w.dial(), user("owner")
	i := write(t, owner.DID(), owner, doc, first(doc), "1")
	conn.mustDo(i, owner)
	told := make(chan websocket.CloseError, 1)
	go func() { told <- idle.closed() }()
	go func() { told <- conn.closed() }()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w.server.Close(ctx)
	for range 2 {
		if e := <-told; e.Code != websocket.StatusGoingAway || e.Reason != "the service is stopping" {
			t.Errorf("closed with %v", e)
		}
	}
	if ctx.Err() != nil {
		t.Error("the stop waited for its whole time")
	}
	if _, resp, err := websocket.Dial(t.Context(), w.http.URL+frames.Path, nil); err == nil || resp.StatusCode != 503 {
		t.Errorf("connecting to a server that has stopped: %v", err)
	}
}
