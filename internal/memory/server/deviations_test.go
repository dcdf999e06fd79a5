package server_test

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"

	"charmd/internal/jsontext"
	"charmd/internal/memory/frames"
	"charmd/internal/merkle"
)

// What is answered otherwise than the original does; docs/compatibility.md lists
// these with the reasons.

func TestDeviation_AnyHandshakeOfTheStandard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, headers := range []string{
		"Connection: Upgrade\r\nUpgrade: websocket",
		"Connection: keep-alive, Upgrade\r\nUpgrade: websocket",
		"connection: upgrade\r\nupgrade: WebSocket",
		"Connection: keep-alive\r\nConnection: upgrade\r\nUpgrade: websocket",
	} {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", w.http.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Write([]byte("GET " + frames.Path + "?space=did%3Akey%3Ax HTTP/1.1\r\nHost: localhost\r\n" + headers +
			"\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
			t.Errorf("%q: %v, %v", headers, resp, err)
		}
		c.Close()
	}
}

func TestDeviation_UnsubscribeEndsASubscription(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn, owner := w.dial(), user("owner")
	space := owner.DID()
	narrow := subscribe(t, space, owner, doc)
	wide := invocation(t, frames.Subscribe, space, owner, `{"select":{}}`)
	conn.send(frames.Sign(narrow, owner))
	conn.send(frames.Sign(narrow, owner)) // the same once more is the same subscription
	conn.send(frames.Sign(wide, owner))
	cause := first(doc)
	told := func(value string, want ...*frames.Invocation) {
		t.Helper()
		i := write(t, space, owner, doc, cause, value)
		conn.send(frames.Sign(i, owner))
		for _, s := range want {
			if m := conn.next(); m.The != frames.EffectOf || m.Of != s.Job() || !jsontext.Equal(m.Is, i.Object) {
				t.Fatalf("writing %s: got %s of %s, want the effect of %s", value, m.The, m.Of, s.Job())
			}
		}
		if m := conn.next(); m.The != frames.ReturnOf || m.Of != i.Job() {
			t.Fatalf("writing %s: got %s of %s, want its return", value, m.The, m.Of)
		}
		cause = factOf(t, doc, cause, value)
	}
	unsubscribe := func(s *frames.Invocation) {
		t.Helper()
		i := invocation(t, frames.Unsubscribe, space, owner, `{"source":%q}`, s.Job())
		conn.send(frames.Sign(i, owner))
		for _, job := range []string{s.Job(), i.Job()} {
			if m := conn.next(); m.Of != job || jsontext.Text(m.Is) != `{"ok":{}}` {
				t.Fatalf("got %+v, want the end of %s", m, job)
			}
		}
	}
	told("1", narrow)
	unsubscribe(narrow)
	told("2", wide)
	unsubscribe(wide)
	told("3")
}

func TestDeviation_EveryJSONValueIsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn, owner := w.dial(), user("owner")
	for _, value := range []string{"0", "-1", "2147483648", "9007199254740991", "-4294967296", "1e+21", `""`, "false", "null", `{"0":0}`} {
		of := "of:" + value
		conn.mustDo(write(t, owner.DID(), owner, of, first(of), value), owner)
		got := conn.mustDo(query(t, owner.DID(), owner, of), owner)
		if want := `{"` + first(of).String() + `":{"is":` + value + `}}`; !strings.Contains(jsontext.Text(got), want) {
			t.Errorf("%s is read as %s", value, jsontext.Text(got))
		}
	}
}

func TestDeviation_ClaimsThatNothingIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn, owner := w.dial(), user("owner")
	claim := invocation(t, frames.Transact, owner.DID(), owner, `{"changes":{%q:{"application/json":{%q:true}}}}`, doc, first(doc))
	conn.mustDo(claim, owner)
	conn.mustDo(write(t, owner.DID(), owner, doc, first(doc), `1`), owner)
	conn.mustFail(claim, owner, frames.ConflictError)
}

func TestDeviation_ChangesThatAreNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn, owner := w.dial(), user("owner")
	space := owner.DID()
	log := merkle.Unclaimed("application/commit+json", space)
	for name, changes := range map[string]string{
		"no cause":             `{"` + doc + `":{"application/json":{}}}`,
		"a text":               `{"` + doc + `":{"application/json":{"` + first(doc).String() + `":"x"}}}`,
		"null":                 `{"` + doc + `":{"application/json":{"` + first(doc).String() + `":null}}}`,
		"false":                `{"` + doc + `":{"application/json":{"` + first(doc).String() + `":false}}}`,
		"a list":               `{"` + doc + `":{"application/json":[]}}`,
		"no object":            `{"` + doc + `":1}`,
		"a list of all":        `[]`,
		"a link for a cause":   `{"` + doc + `":{"application/json":{"` + first(doc).Link() + `":{}}}}`,
		"the log itself":       `{"` + space + `":{"application/commit+json":{"` + log.String() + `":{"is":1}}}}`,
		"the log's retraction": `{"` + space + `":{"application/commit+json":{"` + log.String() + `":{}}}}`,
	} {
		if e := conn.mustFail(invocation(t, frames.Transact, space, owner, `{"changes":%s}`, changes), owner, frames.TransactionError); !strings.HasPrefix(e.Message, "Failed to commit transaction because: ") {
			t.Errorf("%s: %s", name, e.Message)
		}
	}
	wrong := invocation(t, frames.Transact, space, owner, `{"changes":{%q:{"application/json":{}}}}`, doc)
	status, _, body := w.request(http.MethodPatch, frames.Path, string(frames.Sign(wrong, owner)), map[string]string{"Content-Type": "application/json; charset=utf-8"})
	if status != http.StatusBadRequest || !strings.Contains(body, "TransactionError") {
		t.Errorf("over HTTP %d %s", status, short(body))
	}
	if got := jsontext.Text(conn.mustDo(invocation(t, frames.Query, space, owner, `{"select":{}}`), owner)); got != `{"`+space+`":{}}` {
		t.Errorf("after refusals the space holds %s", got)
	}
	// 1 is a claim, as in JavaScript; so is a claim of the log's newest entry.
	conn.mustDo(invocation(t, frames.Transact, space, owner, `{"changes":{%q:{"application/json":{%q:1}},%q:{"application/commit+json":{%q:true}}}}`,
		doc, first(doc), space, log), owner)
	conn.mustFail(invocation(t, frames.Transact, space, owner, `{"changes":{%q:{"application/commit+json":{%q:true}}}}`, space, log), owner, frames.ConflictError)
}

// Subjects that are no did:key name no space, least of all a file.
func TestFault24_SubjectsThatAreNoSpace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn := w.dial()
	for _, sub := range []string{"../escape", "my-space", "", "did:web:example.com", "did:key:zNotAKey", "did:key:z6Mk/../../x", operator.DID() + "/..", strings.Repeat("x", 1<<20)} {
		for _, i := range []*frames.Invocation{
			query(t, sub, operator, doc), subscribe(t, sub, operator, doc), write(t, sub, operator, doc, first(doc), "1"),
		} {
			conn.mustFail(i, operator, frames.AuthorizationError)
		}
	}
	spaces := 0
	w.spaces(func(n int) { spaces = n })
	if spaces != 0 {
		t.Errorf("%d spaces were made", spaces)
	}
}

func TestDeviation_AskingMakesNoSpace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn, owner := w.dial(), user("owner")
	got := conn.mustDo(invocation(t, frames.Query, owner.DID(), owner, `{"select":{"_":{"application/json":{}}}}`), owner)
	if text := jsontext.Text(got); text != `{"`+owner.DID()+`":{}}` {
		t.Errorf("got %s", text)
	}
	w.spaces(func(n int) {
		if n != 0 {
			t.Errorf("%d spaces were made", n)
		}
	})
}

func TestDeviation_DocumentsHaveALimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn, owner := w.dial(), user("owner")
	long := `"` + strings.Repeat("x", 17<<20) + `"`
	if e := conn.mustFail(write(t, owner.DID(), owner, doc, first(doc), long), owner, frames.TransactionError); !strings.Contains(e.Message, "at most 16777216 are stored") {
		t.Error(e.Message)
	}
}

// The store that cannot write is said so, with 503 over HTTP.
func TestHTTPWhenTheStoreIsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := user("owner")
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	status, _, body := w.request(http.MethodPatch, frames.Path, string(frames.Sign(write0(t, owner.DID(), owner), owner)), map[string]string{"Content-Type": "application/json"})
	if status != http.StatusServiceUnavailable || !strings.Contains(body, `"name":"TransactionError"`) || !strings.Contains(body, `"code":"unavailable"`) {
		t.Errorf("got %d %s", status, body)
	}
}
