package client

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory/frames"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	owner = identity.FromPassphrase("the owner")
	docA  = Document("baedreia")
	docB  = Document("baedreib")
)

// toolshed is a server that does as the test says, one connection after another.
type toolshed struct {
	t     *testing.T
	url   string
	conns chan *peer
}

// peer is the toolshed's end of one connection.
type peer struct {
	t     *testing.T
	of    *toolshed
	conn  *websocket.Conn
	gone  chan struct{} // closed by the test when it has done with the connection
	heard bool          // something has come by it
}

func newToolshed(t *testing.T) *toolshed {
	s := &toolshed{t: t, conns: make(chan *peer)}
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Errorf("handshake: %v", err)
			return
		}
		conn.SetReadLimit(2 * frames.MaxBytes)
		gone := make(chan struct{})
		select {
		case s.conns <- &peer{t: t, of: s, conn: conn, gone: gone}:
			select {
			case <-gone:
			case <-ended:
			}
		case <-ended:
		}
		_ = conn.CloseNow()
	}))
	t.Cleanup(func() { close(ended); server.Close() })
	s.url = server.URL
	return s
}

// accept waits for the client's next connection.
func (s *toolshed) accept() *peer {
	s.t.Helper()
	select {
	case p := <-s.conns:
		return p
	case <-s.t.Context().Done():
		s.t.Fatal("the client did not connect")
		return nil
	}
}

// request reads the client's next request and checks its signature.
func (p *peer) request(cmd string) *frames.Request {
	p.t.Helper()
	_, data, err := p.conn.Read(p.t.Context())
	for err != nil && !p.heard && p.t.Context().Err() == nil {
		// On a busy machine the client may have given up before the server was ready.
		p.cut()
		next := p.of.accept()
		p.conn, p.gone = next.conn, next.gone
		_, data, err = p.conn.Read(p.t.Context())
	}
	if err != nil {
		p.t.Fatalf("waiting for %s: %v", cmd, err)
	}
	p.heard = true
	r, err := frames.ParseRequest(data)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := r.Verify(); err != nil {
		p.t.Fatal(err)
	}
	if r.Cmd != cmd {
		p.t.Fatalf("the client sent %s, want %s", r.Cmd, cmd)
	}
	return r
}

func (p *peer) send(text []byte) {
	p.t.Helper()
	if err := p.conn.Write(p.t.Context(), websocket.MessageText, text); err != nil {
		p.t.Fatal(err)
	}
}

// ok answers a request.
func (p *peer) ok(r *frames.Request, result string) {
	p.t.Helper()
	p.send(frames.Return(r.Job(), []byte(`{"ok":`+result+`}`)))
}

// facts answers a query.
func (p *peer) facts(r *frames.Request, facts ...Fact) {
	p.t.Helper()
	args, err := transaction(facts, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	p.ok(r, `{"`+r.Sub+`":`+jsontext.Text(object(args, "changes"))+`}`)
}

// committed answers a transaction.
func (p *peer) committed(r *frames.Request, since string) {
	p.t.Helper()
	p.ok(r, `{"`+r.Sub+`":{"application/commit+json":{"ba4jca":{"is":{"since":`+since+`,"transaction":{}}}}}}`)
}

// conflict refuses a transaction because of what is there.
func (p *peer) conflict(r *frames.Request, actual Fact) {
	p.t.Helper()
	fact := jsontext.NewObject()
	fact.Set("the", actual.The)
	fact.Set("of", actual.Of)
	fact.Set("cause", actual.Cause.JSON())
	fact.Set("is", actual.Is)
	p.send(frames.Return(r.Job(), []byte(`{"error":{"name":"ConflictError","conflict":{"space":"`+r.Sub+`","the":"`+actual.The+`","of":"`+actual.Of+`","expected":null,"actual":`+jsontext.Text(fact)+`}}}`)))
}

// effect tells the client of a transaction that made the facts.
func (p *peer) effect(facts ...Fact) {
	p.t.Helper()
	args, err := transaction(facts, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	i := frames.NewInvocation(frames.Transact, owner.DID(), owner.DID(), args, time.Now(), "")
	p.send(frames.Effect("job:of-any-subscription", []byte(jsontext.Text(i.Object))))
}

// cut ends the connection as a broken network does.
func (p *peer) cut() {
	_ = p.conn.CloseNow()
	close(p.gone)
}

// open makes a client and its connection.
func (s *toolshed) open() (*Space, *peer) {
	s.t.Helper()
	space := s.client(nil)
	return space, s.accept()
}

func (s *toolshed) client(changed func(error)) *Space {
	s.t.Helper()
	c, err := New(Options{URL: s.url, Changed: changed})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	return c.Space(owner.DID(), owner)
}

// later runs fn beside the test and gives its result.
func later[T any](fn func() (T, error)) <-chan result[T] {
	c := make(chan result[T], 1)
	go func() {
		v, err := fn()
		c <- result[T]{v, err}
	}()
	return c
}

type result[T any] struct {
	value T
	err   error
}

func num(n float64) any {
	o := jsontext.NewObject()
	o.Set("n", n)
	return o
}

// n is the number that a fact of these tests says, -1 for nothing.
func n(f Fact) float64 {
	if v, ok := member(f.Value(), "n").(float64); ok {
		return v
	}
	return -1
}

// chain is the first so many facts of a place, each after the one before.
func chain(p Place, length int) []Fact {
	facts := make([]Fact, length)
	last := Fact{Place: p}
	for i := range facts {
		last = last.Assert(num(float64(i + 1)))
		facts[i] = last
	}
	return facts
}

func contains(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("the error is %v, want one with %q", err, text)
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
