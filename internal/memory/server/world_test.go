package server_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/memory/frames"
	"charmd/internal/memory/server"
	"charmd/internal/merkle"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

// recordedAt is when the vectors were made.
var recordedAt = time.Unix(1742900060, 0)

var operator = identity.FromPassphrase("the operator of this test")

// world is a server on a real database, reached over real sockets.
type world struct {
	t      testing.TB
	store  store.Store
	memory *memory.Memory
	server *server.Server
	http   *httptest.Server
}

func newWorld(t testing.TB, change ...func(*server.Options)) *world {
	t.Helper()
	w := unreachable(t, change...)
	w.http = httptest.NewServer(w.server)
	return w
}

// unreachable is a world without sockets.
func unreachable(t testing.TB, change ...func(*server.Options)) *world {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlitetest.Path(t), sqlite.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: db, memory: memory.New(db, operator.DID(), time.Now)}
	o := server.Options{
		Store: db, Memory: w.memory, Operator: operator.DID(), Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return recordedAt },
	}
	for _, fn := range change {
		fn(&o)
	}
	w.server = server.New(o)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		w.server.Close(ctx)
		if w.http != nil {
			w.http.Close()
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func dev(o *server.Options) { o.Dev = true }

// client is one socket to the server.
type client struct {
	t  testing.TB
	ws *websocket.Conn
}

func (w *world) dial() *client {
	w.t.Helper()
	ws, _, err := websocket.Dial(w.t.Context(), w.http.URL+frames.Path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	ws.SetReadLimit(2 * frames.MaxBytes)
	w.t.Cleanup(func() { _ = ws.CloseNow() })
	return &client{w.t, ws}
}

func (c *client) send(frame []byte) {
	c.t.Helper()
	if err := c.ws.Write(c.t.Context(), websocket.MessageText, frame); err != nil {
		c.t.Fatal(err)
	}
}

// patience is how long a test waits for what must come.
const patience = 2 * time.Minute

// read is the next message's text.
func (c *client) read() (string, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	_, text, err := c.ws.Read(ctx)
	return string(text), err
}

func (c *client) next() frames.Message {
	c.t.Helper()
	text, err := c.read()
	if err != nil {
		c.t.Fatal(err)
	}
	m, err := frames.ParseMessage([]byte(text))
	if err != nil {
		c.t.Fatal(err)
	}
	return m
}

// closed is how the server has closed the connection; messages before that are passed over.
func (c *client) closed() websocket.CloseError {
	c.t.Helper()
	for {
		_, err := c.read()
		if e, ok := errors.AsType[websocket.CloseError](err); ok {
			return e
		}
		if err != nil {
			c.t.Fatalf("the connection ended without a close frame: %v", err)
		}
	}
}

// ask sends a command and returns the result; effects on the way are an error.
func (c *client) ask(i *frames.Invocation, key *identity.Key) (any, error) {
	c.t.Helper()
	c.send(frames.Sign(i, key))
	m := c.next()
	if m.The != frames.ReturnOf || m.Of != i.Job() {
		c.t.Fatalf("got %s of %s, want the return of %s", m.The, m.Of, i.Job())
	}
	return m.Result()
}

// mustFail asks and wants an error of that name.
func (c *client) mustFail(i *frames.Invocation, key *identity.Key, name string) *frames.Error {
	c.t.Helper()
	v, err := c.ask(i, key)
	e, ok := errors.AsType[*frames.Error](err)
	if !ok || e.Name != name {
		c.t.Fatalf("got %v and %v, want a %s", v, err, name)
	}
	return e
}

func (c *client) mustDo(i *frames.Invocation, key *identity.Key) any {
	c.t.Helper()
	v, err := c.ask(i, key)
	if err != nil {
		c.t.Fatal(err)
	}
	return v
}

// invocation makes one of key in space, with args as a text.
func invocation(t testing.TB, cmd, space string, key *identity.Key, args string, format ...any) *frames.Invocation {
	t.Helper()
	return frames.NewInvocation(cmd, space, key.DID(), parse(t, fmt.Sprintf(args, format...)).(*jsontext.Object), recordedAt, "")
}

func parse(t testing.TB, text string) any {
	t.Helper()
	v, err := jsontext.Parse([]byte(text), jsontext.DefaultLimits)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

const doc = "of:baedreiahv63wxwgaem4hzjkizl4qncfgvca7pj5cvdon7cukumfon3ioye"

func first(of string) merkle.Ref { return merkle.Unclaimed(memory.JSON, of) }

// write makes the transaction that follows cause in a document.
func write(t testing.TB, space string, key *identity.Key, of string, cause merkle.Ref, value string) *frames.Invocation {
	t.Helper()
	return invocation(t, frames.Transact, space, key, `{"changes":{%q:{"application/json":{%q:{"is":%s}}}}}`, of, cause, value)
}

// factOf is the reference of the fact that write makes.
func factOf(t testing.TB, of string, cause merkle.Ref, value string) merkle.Ref {
	t.Helper()
	is := merkle.Refer(parse(t, value))
	return merkle.FactRef(memory.JSON, of, &is, cause)
}

func query(t testing.TB, space string, key *identity.Key, of string) *frames.Invocation {
	t.Helper()
	return invocation(t, frames.Query, space, key, `{"select":{%q:{"application/json":{}}}}`, of)
}

func subscribe(t testing.TB, space string, key *identity.Key, of string) *frames.Invocation {
	t.Helper()
	return invocation(t, frames.Subscribe, space, key, `{"select":{%q:{"application/json":{}}}}`, of)
}

func grant(t testing.TB, space, key *identity.Key, cause merkle.Ref, acl string) *frames.Invocation {
	t.Helper()
	return invocation(t, frames.Transact, space.DID(), key, `{"changes":{%q:{"application/acl+json":{%q:{"is":%s}}}}}`, space.DID(), cause, acl)
}

func user(name string) *identity.Key { return identity.FromPassphrase(name) }

func short(text string) string {
	if len(text) > 700 {
		return text[:350] + " … " + text[len(text)-350:]
	}
	return text
}

func unstacked(text string) string {
	return strings.ReplaceAll(text, `"stack":"<stack>"`, `"stack":""`)
}

// spaces tells how many spaces there are.
func (w *world) spaces(fn func(spaces int)) {
	w.t.Helper()
	err := w.store.View(w.t.Context(), func(r store.Reader) error {
		all, err := r.Spaces()
		fn(len(all))
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}
