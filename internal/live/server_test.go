package live

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/queue"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

// dialed is a network of connections that hold nothing: what is sent waits until it
// is read.
type dialed chan net.Conn

func (d dialed) Accept() (net.Conn, error) {
	c, ok := <-d
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (d dialed) Close() error   { return nil }
func (d dialed) Addr() net.Addr { return &net.TCPAddr{} }

func (d dialed) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	d <- there
	return here, nil
}

// world is the page of one charm on a real store.
type world struct {
	t      *testing.T
	memory *memory.Memory
	space  charm.Space
	cause  merkle.Ref
	conns  dialed
	server *Server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	st, err := sqlite.Open(t.Context(), sqlitetest.Path(t), sqlite.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, memory: memory.New(st, "did:key:zIssuer", time.Now), conns: make(dialed)}
	w.space = charm.Space{DID: theCharm.Space, Since: -1, CreatedAt: time.Now()}
	if err := st.Update(t.Context(), func(tx store.Tx) (err error) {
		w.space.Row, err = tx.PutSpace(w.space)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	w.server = New(Options{
		Store: st, Memory: w.memory, Logger: slog.New(slog.DiscardHandler),
		Find:     func(context.Context, string, string) (charm.Charm, error) { return theCharm, nil },
		Standing: func(int64) (queue.Standing, bool) { return queue.Standing{Charm: theCharm}, true },
		Lost:     func(charm.Charm, bool) []Lost { return nil },
		Opened:   func(context.Context) error { return nil },
		Refused:  func() error { return charm.Errorf(charm.CodeForbidden, "nothing runs here") },
	})
	h := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if err := w.server.Serve(rw, r, "space", "charm"); err != nil {
			http.Error(rw, err.Error(), http.StatusServiceUnavailable)
		}
	}))
	_ = h.Listener.Close()
	h.Listener = w.conns
	h.Start()
	t.Cleanup(func() {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		w.server.Close(over, context.Canceled)
		close(w.conns)
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	w.cause = merkle.Unclaimed(memory.JSON, memory.Of(theCharm.ID))
	return w
}

// show makes the charm show a text.
func (w *world) show(text string) {
	w.t.Helper()
	w.showUI(vnode("p", "{}", `"`+text+`"`))
}

func (w *world) showUI(ui string) {
	w.t.Helper()
	v := parse(w.t, `{"value":{"$NAME":"A charm","$UI":`+ui+`}}`)
	d, err := memory.NewDraft(w.space, "did:key:zIssuer", []memory.Change{memory.Assert(memory.Of(theCharm.ID), w.cause, v)}, nil, time.Now())
	if err == nil {
		_, err = w.memory.Transact(w.t.Context(), d)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	value := merkle.Refer(v)
	w.cause = merkle.FactRef(memory.JSON, memory.Of(theCharm.ID), &value, w.cause)
}

func (w *world) open() *websocket.Conn {
	w.t.Helper()
	ws, _, err := websocket.Dial(w.t.Context(), "ws://charmd/", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: &http.Transport{DialContext: w.conns.dial}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = ws.CloseNow() })
	return ws
}

// patience is how long is waited for what comes by itself, however busy the machine is.
const patience = 2 * time.Minute

// readUntil reads until a message holds a text, and counts the messages.
func readUntil(t *testing.T, ws *websocket.Conn, text string) (messages int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		_, data, err := ws.Read(ctx)
		if err != nil {
			t.Fatalf("after %d messages there is no %q: %v", messages, text, err)
		}
		if messages++; strings.Contains(string(data), text) {
			return messages
		}
	}
}

// A page that does not read is told the latest when it does, not all there was;
// another one is told meanwhile.
func TestSlowPageGetsTheLatest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.show("first")
	slow, quick := w.open(), w.open()
	readUntil(t, slow, "first")
	readUntil(t, quick, "first")
	const changes = 100
	for i := range changes {
		w.show(fmt.Sprintf("text %d.", i))
		readUntil(t, quick, fmt.Sprintf("text %d.", i))
	}
	if n := readUntil(t, slow, fmt.Sprintf("text %d.", changes-1)); n > 5 {
		t.Errorf("a page that did not read for %d changes is told %d of them", changes, n)
	}
}

// What is not as it should be ends the page; what is, is answered.
func TestPageIsAnsweredOrEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.show("first")
	ws := w.open()
	readUntil(t, ws, "first")
	if err := ws.Write(t.Context(), websocket.MessageText, []byte(`{"id":"`+someID+`","node":"n","event":"click","value":{}}`)); err != nil {
		t.Fatal(err)
	}
	readUntil(t, ws, `{"done":"`+someID+`","error":"nothing runs here"}`)
	go func() { _ = ws.Write(t.Context(), websocket.MessageText, []byte(`{"id":"x"}`)) }()
	_, _, err := ws.Read(t.Context())
	if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("a message that is none ends the page with %v", err)
	}
}

func TestViewEndsWithItsLastPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.show("first")
	one, two := w.open(), w.open()
	readUntil(t, one, "first")
	readUntil(t, two, "first")
	if n := w.count(); n != 1 {
		t.Errorf("two pages of one charm have %d views", n)
	}
	_ = one.CloseNow()
	_ = two.CloseNow()
	deadline := time.After(pingEvery - time.Second) // by their end, not by a ping that is not answered
	for w.count() > 0 {
		select {
		case <-deadline:
			t.Fatal("the view is there after its pages were closed")
		case <-time.After(time.Millisecond):
		}
	}
}

func (w *world) count() int {
	w.server.mu.Lock()
	defer w.server.mu.Unlock()
	return len(w.server.views)
}

// A change in one row of a large list is told by little.
func TestOneRowOfManyIsTold(t *testing.T) {
	t.Parallel()
	rows := func(changed string) string {
		var list []string
		for i := range 2000 {
			text := fmt.Sprintf(`"row %d"`, i)
			if i == 1234 {
				text = changed
			}
			list = append(list, vnode("tr", "{}", vnode("td", "{}", text), vnode("td", "{}", `"x"`)))
		}
		return vnode("table", "{}", list...)
	}
	before := draw(t, stock(t, rows(`"row 1234"`))).root
	after := share(before, draw(t, stock(t, rows(`"changed"`))).root)
	ops, whole := jsontext.Text(diff(before, after)), jsontext.Text(before.json())
	var told []any
	if err := json.Unmarshal([]byte(ops), &told); err != nil || len(told) != 1 || len(ops) > 300 || len(whole) < 100_000 {
		t.Errorf("of %d bytes %d are told: %.400s (%v)", len(whole), len(ops), ops, err)
	}
}
