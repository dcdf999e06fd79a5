package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"charmd/internal/jsontext"
	"charmd/internal/memory/frames"
	"charmd/internal/memory/server"
	"charmd/internal/merkle"
)

// Row 24 of the faults: what is malformed closes its own connection and nothing else.
func TestFault24_WhatIsNoRequestHarmsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bystander, owner := w.dial(), user("owner")
	good := string(frames.Sign(query(t, owner.DID(), owner, doc), owner))
	deep := strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)
	for _, c := range []struct {
		name string
		kind websocket.MessageType
		text string
		code websocket.StatusCode
	}{
		{"nothing", websocket.MessageText, "", websocket.StatusNoStatusRcvd},
		{"noise", websocket.MessageText, strings.Repeat("\x00\xff", 1000), websocket.StatusNoStatusRcvd},
		{"binary", websocket.MessageBinary, good, websocket.StatusNoStatusRcvd},
		{"nested deeply", websocket.MessageText, strings.Replace(good, `"prf":[]`, `"prf":`+deep, 1), websocket.StatusNoStatusRcvd},
		{"nested deeply and cut", websocket.MessageText, strings.Repeat(`{"a":`, 1<<20), websocket.StatusNoStatusRcvd},
		{"cut", websocket.MessageText, good[:len(good)-1], websocket.StatusNoStatusRcvd},
		{"oversized", websocket.MessageText, `{"x":"` + strings.Repeat("x", 65<<20) + `"}`, websocket.StatusMessageTooBig},
	} {
		conn := w.dial()
		conn.send([]byte(good)) // what came before is answered
		// The server need not read to the end of it.
		_ = conn.ws.Write(t.Context(), c.kind, []byte(c.text))
		if m := conn.next(); m.The != frames.ReturnOf {
			t.Errorf("%s: got %+v", c.name, m)
		}
		if e := conn.closed(); e.Code != c.code {
			t.Errorf("%s: closed with %v, want %v", c.name, e, c.code)
		}
		bystander.mustDo(query(t, owner.DID(), owner, doc), owner)
	}
}

// The same over HTTP, where each is told what is wrong with it.
func TestFault24_WhatIsRefusedOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, stranger := user("owner"), user("stranger")
	good := string(frames.Sign(query(t, owner.DID(), owner, doc), owner))
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	expired := query(t, owner.DID(), owner, doc)
	expired.Object.Set("exp", float64(recordedAt.Add(-25*time.Hour).Unix()))
	expired.Ref = merkle.Refer(expired.Object)
	const asJSON = "application/json"
	for _, c := range []struct {
		name, kind, body string
		status           int
	}{
		{"nothing", asJSON, "", http.StatusBadRequest},
		{"noise", asJSON, strings.Repeat("\x00\xff", 1000), http.StatusBadRequest},
		{"binary", "application/octet-stream", good, http.StatusUnsupportedMediaType},
		{"nested deeply", asJSON, strings.Replace(good, `"prf":[]`, `"prf":`+deep, 1), http.StatusBadRequest},
		{"cut", asJSON, good[:len(good)-1], http.StatusBadRequest},
		{"no request", asJSON, `{"invocation":{}}`, http.StatusUnprocessableEntity},
		{"changed after it was signed", asJSON, strings.Replace(good, `"prf":[]`, `"prf":[1]`, 1), http.StatusUnauthorized},
		{"signed by another", asJSON, string(frames.Sign(query(t, owner.DID(), owner, doc), stranger)), http.StatusUnauthorized},
		{"expired", asJSON, string(frames.Sign(expired, owner)), http.StatusUnauthorized},
		{"another's space", asJSON, string(frames.Sign(query(t, owner.DID(), stranger, doc), stranger)), http.StatusUnauthorized},
		{"a file", asJSON, string(frames.Sign(query(t, "../../escape", operator, doc), operator)), http.StatusUnauthorized},
		{"as it should be", asJSON, good, http.StatusOK},
	} {
		status, _, answer := w.request(http.MethodPost, frames.Path, c.body, map[string]string{"Content-Type": c.kind})
		if status != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, status, short(answer), c.status)
		}
	}
}

// A request may be large; what it writes is echoed, and read again.
func TestLargeRequests(t *testing.T) {
	t.Parallel()
	const most = 4 << 20
	w := newWorld(t, func(o *server.Options) { o.Limits.AnswerBytes = most })
	conn, owner := w.dial(), user("owner")
	changes := make([]string, 3)
	for n := range changes {
		of := fmt.Sprintf("of:%d", n)
		changes[n] = fmt.Sprintf(`%q:{"application/json":{%q:{"is":%q}}}`, of, first(of), strings.Repeat("é", 1<<20))
	}
	i := invocation(t, frames.Transact, owner.DID(), owner, `{"changes":{%s}}`, strings.Join(changes, ","))
	v := conn.mustDo(i, owner)
	if got := jsontext.Text(v); !strings.Contains(got, jsontext.Text(i.Object)) {
		t.Error("the commit does not hold the transaction")
	}
	if got := conn.mustDo(query(t, owner.DID(), owner, "of:1"), owner); len(jsontext.Text(got)) < 2<<20 {
		t.Errorf("read again it has %d bytes", len(jsontext.Text(got)))
	}
	// What would not fit in a message is said so.
	if e := conn.mustFail(invocation(t, frames.Query, owner.DID(), owner, `{"select":{}}`), owner, frames.QueryError); !strings.Contains(e.Message, fmt.Sprintf("larger than %d bytes", most)) {
		t.Error(short(e.Message))
	}
}

func TestConnectionsAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *server.Options) { o.Limits.Connections = 2 })
	a, b := w.dial(), w.dial()
	_, resp, err := websocket.Dial(t.Context(), w.http.URL+frames.Path, nil)
	if err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("a third connection: %v", err)
	}
	_ = a.ws.Close(websocket.StatusNormalClosure, "")
	w.until("there is room again", func() bool { return w.server.Counts().Connections == 1 })
	w.dial().mustDo(query(t, user("owner").DID(), user("owner"), doc), user("owner"))
	b.mustDo(query(t, user("owner").DID(), user("owner"), doc), user("owner"))
}

// until waits for what other goroutines do.
func (w *world) until(what string, is func() bool) {
	w.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-limit.C:
			w.t.Fatalf("waited in vain: %s", what)
		}
	}
}

func TestSubscriptionsAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *server.Options) { o.Limits.ConnectionWatches, o.Limits.Watches = 4, 6 })
	owner := user("owner")
	pairs := func(n int, from string) *frames.Invocation {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf(`"of:%s%d":{"application/json":{}}`, from, i)
		}
		return invocation(t, frames.Subscribe, owner.DID(), owner, `{"select":{%s}}`, strings.Join(list, ","))
	}
	a, b := w.dial(), w.dial()
	kept := pairs(3, "a")
	a.send(frames.Sign(kept, owner))
	a.mustFail(pairs(2, "b"), owner, frames.QueryError) // 5 of one
	b.mustFail(pairs(4, "c"), owner, frames.QueryError) // 7 of all
	b.send(frames.Sign(pairs(3, "d"), owner))
	b.mustFail(pairs(1, "e"), owner, frames.QueryError)
	// A subscription that ends, and a connection that does, make room.
	a.send(frames.Sign(invocation(t, frames.Unsubscribe, owner.DID(), owner, `{"source":%q}`, kept.Job()), owner))
	a.next()
	a.next()
	b.send(frames.Sign(pairs(1, "e"), owner))
	b.mustDo(query(t, owner.DID(), owner, doc), owner)
	_ = b.ws.Close(websocket.StatusNormalClosure, "")
	w.until("the connection is gone", func() bool { return w.server.Counts().Connections == 1 })
	a.send(frames.Sign(pairs(4, "f"), owner))
	a.mustDo(query(t, owner.DID(), owner, doc), owner)
}

// A subscriber who does not read is let go with a reason; the others are told of
// everything, in order, and the writer is not held up.
func TestASlowSubscriberIsLetGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *server.Options) { o.Limits.QueuedBytes = 1 << 20 })
	owner := user("owner")
	space := owner.DID()
	slow, quick, writer := w.dial(), w.dial(), w.dial()
	for _, c := range []*client{slow, quick} {
		c.send(frames.Sign(subscribe(t, space, owner, doc), owner))
		c.mustDo(query(t, space, owner, doc), owner)
	}
	cause, written := first(doc), 0
	for ; w.server.Counts().Slow == 0; written++ {
		value := fmt.Sprintf(`{"n":%d,"x":%q}`, written, bytes.Repeat([]byte("x"), 200<<10))
		writer.mustDo(write(t, space, owner, doc, cause, value), owner)
		cause = factOf(t, doc, cause, value)
		if text, err := quick.read(); err != nil || !strings.Contains(text, fmt.Sprintf(`{"n":%d,`, written)) {
			t.Fatalf("after write %d came %s, %v", written, short(text), err)
		}
		if written > 900 {
			t.Fatal("nobody is too slow")
		}
	}
	if e := slow.closed(); e.Code != websocket.StatusPolicyViolation || !strings.Contains(e.Reason, "too slow") {
		t.Errorf("closed with %v", e)
	}
	writer.mustDo(query(t, space, owner, doc), owner)
}

// Whatever is asked with a good signature is answered or passed over, and the
// connection goes on.
func FuzzArgs(f *testing.F) {
	w := newWorld(f)
	shared, owner := w.dial(), user("owner")
	commands := []string{frames.Transact, frames.Query, frames.Subscribe, frames.Unsubscribe, "/memory/nope"}
	for n, args := range []string{
		`{"changes":{"of:a":{"application/json":{"` + first("of:a").String() + `":{"is":{"value":1}}}}}}`,
		`{"select":{"_":{"application/json":{"_":{"is":{}}}}},"since":0}`,
		`{"select":{"of:a":{}}}`,
		`{"source":"job:x"}`,
		`{}`,
	} {
		f.Add(uint8(n), []byte(args))
	}
	last := 0
	f.Fuzz(func(t *testing.T, cmd uint8, text []byte) {
		v, err := jsontext.Parse(text, jsontext.Limits{Depth: 480})
		args, ok := v.(*jsontext.Object)
		if err != nil || !ok {
			return
		}
		last++
		conn := &client{t, shared.ws}
		conn.send(frames.Sign(frames.NewInvocation(commands[int(cmd)%len(commands)], owner.DID(), owner.DID(), args, recordedAt, ""), owner))
		sentinel := frames.NewInvocation(frames.Query, owner.DID(), owner.DID(), parse(t, `{"select":{"of:sentinel":{"a":{}}}}`).(*jsontext.Object), recordedAt, fmt.Sprint(last))
		conn.send(frames.Sign(sentinel, owner))
		for conn.next().Of != sentinel.Job() {
		}
	})
}

// Whatever body arrives over HTTP is answered, with a status that clients know.
func FuzzBody(f *testing.F) {
	w, owner := newWorld(f), user("owner")
	statuses := []int{http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusConflict, http.StatusUnprocessableEntity}
	f.Add(true, frames.Sign(write(f, owner.DID(), owner, doc, first(doc), `{"value":1}`), owner))
	f.Add(false, frames.Sign(query(f, owner.DID(), owner, doc), owner))
	f.Add(false, []byte(`{"invocation":{"cmd":"/memory/query","args":{"select":{}},"prf":[]},"authorization":{}}`))
	f.Add(true, []byte(`[`))
	f.Fuzz(func(t *testing.T, writes bool, body []byte) {
		method := http.MethodPost
		if writes {
			method = http.MethodPatch
		}
		answer := httptest.NewRecorder()
		request := httptest.NewRequestWithContext(t.Context(), method, frames.Path, bytes.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		w.server.ServeHTTP(answer, request)
		if !slices.Contains(statuses, answer.Code) {
			t.Errorf("%s %q: %d %s", method, body, answer.Code, answer.Body)
		}
		if answer.Header().Get("Content-Type") == "application/json" && !json.Valid(answer.Body.Bytes()) {
			t.Errorf("%s %q is answered with %s", method, body, answer.Body)
		}
	})
}
