// Package live is charms' pages: what a charm's $UI shows, drawn from stored
// documents, kept up to date in browsers by patches, and what people do there
// made runs. It exists so that a page is a view of documents and not a living
// charm: it survives restarts, all windows agree, an open page costs
// subscriptions alone, and neither a charm's code nor anything that could run
// reaches a browser.
package live

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	"github.com/coder/websocket"

	"charmd/internal/charm"
	"charmd/internal/handlers"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/queue"
	"charmd/internal/store"
)

// Options are the parts a Server works with.
type Options struct {
	Store  store.Store
	Memory *memory.Memory
	Acts   *handlers.Interact
	// Find is the charm that people mean by a space and a name or an id.
	Find func(ctx context.Context, space, name string) (charm.Charm, error)
	// Standing is how a charm stands in the queue.
	Standing func(row int64) (queue.Standing, bool)
	// Lost are the accounts that a person must connect again for the charm, which
	// waits for one or does not.
	Lost func(c charm.Charm, waits bool) []Lost
	// Opened is called when a page opens, before anything is done on it.
	Opened func(ctx context.Context) error
	// Refused is why nothing can be done on pages here; nil when it can.
	Refused func() error
	Logger  *slog.Logger
}

// Server keeps the pages of charms. Close ends it.
type Server struct {
	o      Options
	ctx    context.Context // of the views and of what is done on pages
	stop   context.CancelCauseFunc
	forget func() // ends the subscription to the memory

	mu       sync.Mutex
	views    map[int64]*view // by the charm's row
	conns    map[*conn]struct{}
	draining bool
	open     sync.WaitGroup // connections
}

// New makes a Server.
func New(o Options) *Server {
	s := &Server{o: o, views: map[int64]*view{}, conns: map[*conn]struct{}{}}
	s.ctx, s.stop = context.WithCancelCause(context.Background())
	s.forget = o.Memory.Subscribe("", s.heard)
	return s
}

// heard hands a transaction to the views it may concern. It runs on the store's writer.
func (s *Server) heard(e memory.Effect) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.views {
		if v.charm.Space == e.Space {
			v.heard(e)
		}
	}
}

// Stands has the pages of the charm with the row told how it stands now. It waits
// for nothing.
func (s *Server) Stands(row int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.views[row]; v != nil {
		v.stir()
	}
}

// Serve keeps the page that r asks for, over a WebSocket, until it is closed. Who
// may open one was decided before. An error says that none was opened and that
// nothing was answered.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, space, name string) error {
	c, err := s.o.Find(r.Context(), space, name)
	if err != nil {
		return err
	}
	if err := s.o.Opened(r.Context()); err != nil {
		return err
	}
	conn, err := s.enter(c)
	if err != nil {
		return err
	}
	defer s.leave(conn)
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, CompressionMode: websocket.CompressionNoContextTakeover, CompressionThreshold: 1 << 10,
	})
	if err != nil {
		return nil // it was answered
	}
	defer context.AfterFunc(r.Context(), conn.cancel)() // who has signed out sees no more
	conn.serve(ws)
	return nil
}

// enter counts a page that opens, and makes the view it is the first of.
func (s *Server) enter(c charm.Charm) (*conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return nil, charm.Errorf(charm.CodeUnavailable, "the service is stopping")
	}
	if len(s.conns) >= charm.MaxOpenPages {
		return nil, charm.Errorf(charm.CodeUnavailable, "%d pages are open; more are not kept up to date", len(s.conns)).WithHint("close some of them")
	}
	v := s.views[c.Row]
	if v == nil {
		v = newView(s, c)
		s.views[c.Row] = v
	}
	v.pages++
	conn := newConn(s, v)
	s.conns[conn] = struct{}{}
	s.open.Add(1)
	return conn, nil
}

func (s *Server) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if c.view.pages--; c.view.pages == 0 {
		delete(s.views, c.view.charm.Row)
		c.view.end()
	}
	s.open.Done()
}

// Close ends all pages: what is being done on them is finished first, until ctx
// ends; cause says why it was not. New ones are refused.
func (s *Server) Close(ctx context.Context, cause error) {
	s.mu.Lock()
	s.draining = true
	for c := range s.conns {
		c.leave()
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.open.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	s.stop(cause)
	<-done
	s.forget()
}

// standing is what a page is told of its charm beside what it shows.
func (s *Server) standing(c charm.Charm, p page) *jsontext.Object {
	o := jsontext.NewObject()
	o.Set("title", p.title)
	o.Set("cut", p.cut)
	now, ok := s.o.Standing(c.Row)
	if !ok {
		o.Set("removed", true)
		return o
	}
	c, st := now.Charm, now.State
	o.Set("registered", c.Registered)
	o.Set("integration", c.Integration)
	o.Set("disabled", st.Disabled)
	if st.Disabled {
		o.Set("by", string(st.DisabledBy))
		o.Set("reason", st.DisabledReason)
	} else if st.Waiting.Is() {
		o.Set("waiting", st.Waiting.Why)
	}
	o.Set("paused", now.Paused != nil)
	o.Set("lost", lostJSON(s.o.Lost(c, st.WaitsForAccount())))
	return o
}
