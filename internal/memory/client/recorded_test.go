package client

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory/frames"
	"charmd/internal/merkle"
)

type recordedFrame struct {
	Dir, Conn, Note string
	Frame           string
}

type scenario struct {
	Name   string
	Frames []recordedFrame
}

func recorded(t *testing.T) []scenario {
	t.Helper()
	data, err := os.ReadFile("testdata/frames-websocket.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Scenarios []scenario }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Scenarios
}

// exchange is a recorded request with the original's answer.
type exchange struct {
	note    string
	request *frames.Request
	answer  frames.Message
}

// exchanges are the requests of a scenario that were answered, in order.
func (s scenario) exchanges(t *testing.T) (list []exchange) {
	t.Helper()
	open := map[string]exchange{}
	for _, f := range s.Frames {
		if f.Dir == "C>S" {
			if r, err := frames.ParseRequest([]byte(f.Frame)); err == nil {
				open[f.Conn+r.Job()] = exchange{note: f.Note, request: r}
			}
			continue
		}
		if f.Dir != "S>C" {
			continue
		}
		m, err := frames.ParseMessage([]byte(f.Frame))
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := open[f.Conn+m.Of]; ok && m.The == frames.ReturnOf {
			e.answer = m
			list = append(list, e)
			delete(open, f.Conn+m.Of)
		}
	}
	return list
}

// The client is given the original's answers to its requests, which must be those
// that the original's client made, but for time, key and nonce.
func TestRecordedExchanges(t *testing.T) {
	t.Parallel()
	answered := 0
	for _, s := range recorded(t) {
		list := s.exchanges(t)
		answered += len(list)
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			space, server := newToolshed(t).open()
			for _, e := range list {
				e.play(t, space.client.Space(e.request.Sub, owner), server)
			}
		})
	}
	if answered < 100 {
		t.Errorf("only %d exchanges are recorded", answered)
	}
}

func (e exchange) play(t *testing.T, space *Space, server *peer) {
	t.Helper()
	ctx := t.Context()
	var got <-chan result[any]
	switch e.request.Cmd {
	case frames.Query:
		got = later(func() (any, error) {
			ok, err := space.client.do(ctx, space.call(frames.Query, e.request.Args))
			if err != nil {
				return nil, err
			}
			return space.readQuery(ok)
		})
	case frames.Transact:
		changes, claims, ok := splitChanges(e.request.Args)
		if !ok {
			return // what no client of ours would send
		}
		got = later(func() (any, error) { return space.Transact(ctx, changes, claims...) })
	default:
		return // subscriptions have a test of their own
	}
	sent := server.request(e.request.Cmd)
	if sent.Sub != e.request.Sub || !jsontext.Equal(sent.Args, e.request.Args) {
		t.Fatalf("%s: the client sent\n%s\nwant\n%s", e.note, jsontext.Text(sent.Args), jsontext.Text(e.request.Args))
	}
	server.send(frames.Return(sent.Job(), []byte(jsontext.Text(e.answer.Is))))
	answer := <-got
	e.check(t, answer.value, answer.err)
}

// splitChanges are the changes and claims of a recorded transaction.
func splitChanges(args *jsontext.Object) (changes, claims []Fact, ok bool) {
	all := object(args, "changes")
	if all == nil {
		return nil, nil, false
	}
	for of, v := range all.All() {
		for the, v := range v.(*jsontext.Object).All() {
			causes := v.(*jsontext.Object)
			if causes.Len() != 1 {
				return nil, nil, false
			}
			for cause, body := range causes.All() {
				ref, err := merkle.ParseString(cause)
				if err != nil {
					return nil, nil, false
				}
				if body == true {
					claims = append(claims, Fact{Place: Place{the, of}, Ref: ref})
					continue
				}
				f, _, _ := readChange(Place{the, of}, cause, body)
				changes = append(changes, f)
			}
		}
	}
	return changes, claims, true
}

// check compares what the client made of the answer with what it says.
func (e exchange) check(t *testing.T, got any, err error) {
	t.Helper()
	failure := object(e.answer.Is, "error")
	if failure == nil {
		if err != nil {
			t.Fatalf("%s: %v", e.note, err)
		}
		whole := jsontext.Text(e.answer.Is)
		switch got := got.(type) {
		case Receipt:
			if want := `{"since":` + jsontext.Text(float64(got.Since)) + `,`; !strings.Contains(whole, want) {
				t.Errorf("%s: since %d, answered %s", e.note, got.Since, whole)
			}
		case []Fact:
			for _, f := range got {
				if !strings.Contains(whole, jsontext.Text(f.Cause.String())) || f.Has && !strings.Contains(whole, `{"is":`+jsontext.Text(f.Is)+`}`) {
					t.Errorf("%s: %v is not in %s", e.note, f, whole)
				}
			}
		}
		return
	}
	switch text(failure, "name") {
	case frames.ConflictError:
		conflict, ok := errors.AsType[*Conflict](err)
		if !ok {
			t.Fatalf("%s: %v, want a conflict", e.note, err)
		}
		// The original's words hold the references in their string form.
		words := text(failure, "message")
		if !conflict.Expected.IsZero() && !strings.Contains(words, conflict.Expected.String()) {
			t.Errorf("%s: expected %s, answered %q", e.note, conflict.Expected, words)
		}
		if a := conflict.Actual; (a == nil) != strings.Contains(words, "does not exists") || a != nil && !strings.HasSuffix(words, a.Ref.String()) {
			t.Errorf("%s: actual %v, answered %q", e.note, conflict.Actual, words)
		}
	case frames.AuthorizationError:
		if charm.CodeOf(err) != charm.CodeForbidden {
			t.Errorf("%s: %v, want forbidden", e.note, err)
		}
	default:
		if charm.CodeOf(err) != charm.CodeInvalid || !strings.Contains(err.Error(), text(failure, "message")) {
			t.Errorf("%s: %v, want %s", e.note, err, text(failure, "message"))
		}
	}
}

// The original sends effects under the first subscription that matches, and goes
// on after it was unsubscribed. All the same each view holds what was committed.
func TestRecordedSubscription(t *testing.T) {
	t.Parallel()
	var s scenario
	for _, each := range recorded(t) {
		if each.Name == "subscribe-update-unsubscribe" {
			s = each
		}
	}
	space, server := newToolshed(t).open()
	wide, one := Selection(nil), Place{}
	var pushed []frames.Message
	did := ""
	for _, f := range s.Frames {
		if f.Conn != "a" {
			continue
		}
		if f.Dir == "C>S" {
			r, err := frames.ParseRequest([]byte(f.Frame))
			if err != nil {
				t.Fatal(err)
			}
			if did == "" {
				did = r.Sub
				for of := range object(r.Args, "select").All() {
					one = Place{documents, of}
				}
			}
			continue
		}
		if m, err := frames.ParseMessage([]byte(f.Frame)); err == nil && m.The == frames.EffectOf {
			pushed = append(pushed, m)
		}
	}
	wide = Documents()
	space = space.client.Space(did, owner)
	subscribe := func(sel Selection) *Subscription {
		t.Helper()
		made := later(func() (*Subscription, error) { return space.Subscribe(t.Context(), sel) })
		server.request(frames.Subscribe)
		server.facts(server.request(frames.Query))
		r := <-made
		if r.err != nil {
			t.Fatal(r.err)
		}
		return r.value
	}
	narrow, all := subscribe(Selection{one}), subscribe(wide)
	push := func(m frames.Message) {
		server.send(frames.Effect(m.Of, []byte(jsontext.Text(m.Is))))
		q := later(func() (Fact, error) { return space.Read(t.Context(), one) })
		server.facts(server.request(frames.Query)) // so the effect has been taken
		<-q
	}
	if len(pushed) != 5 {
		t.Fatalf("%d effects are recorded", len(pushed))
	}
	for _, m := range pushed[:3] {
		push(m)
	}
	narrow.Close()
	end := server.request(frames.Unsubscribe)
	server.ok(&frames.Request{Invocation: end.Invocation}, `{}`)
	for _, m := range pushed[3:] {
		push(m)
	}
	if got := jsontext.Text(narrow.Fact(one).Is); got != `{"v":2}` {
		t.Errorf("the closed one holds %s", got)
	}
	if got := jsontext.Text(all.Fact(one).Is); got != `{"v":4}` {
		t.Errorf("the open one holds %s", got)
	}
	news, err := all.Next(t.Context())
	if err != nil || len(news) != 5 {
		t.Errorf("%d changes, %v; want 5", len(news), err)
	}
}
