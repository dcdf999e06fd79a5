// Package server lets other programs use the memory: they read facts, write them
// and hear of changes over WebSocket or HTTP, as the original's clients do
// (memory spec §6-7). It exists so that what comes from outside is checked, kept
// within limits and then committed by the same door as what runs write.
package server

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"charmd/internal/charm"
	"charmd/internal/memory"
	"charmd/internal/memory/frames"
	"charmd/internal/store"
)

// Options are the parts a Server works with.
type Options struct {
	Store    store.Store
	Memory   *memory.Memory
	Operator string       // DID that may do everything
	Dev      bool         // the published identities are believed
	Room     func() error // why nothing may be written now; nil: there always is room
	Logger   *slog.Logger
	Now      func() time.Time
	Limits   Limits
}

// Limits bound what clients can take; a zero field is the limit of package charm.
type Limits struct {
	Connections       int // open at once
	Strangers         int // of those, by which no signed request has come yet
	ConnectionWatches int // pairs of of and the that one connection has subscribed to
	Watches           int // that all have
	QueuedBytes       int // of effects that wait for one connection
	AnswerBytes       int // of what one query finds
}

func (l Limits) withDefaults() Limits {
	or := func(v *int, most int) {
		if *v == 0 {
			*v = most
		}
	}
	or(&l.Connections, charm.MaxConnections)
	or(&l.Strangers, charm.MaxStrangers)
	or(&l.ConnectionWatches, charm.MaxConnectionWatches)
	or(&l.Watches, charm.MaxWatches)
	or(&l.QueuedBytes, charm.MaxQueuedBytes)
	or(&l.AnswerBytes, frames.MaxBytes)
	return l
}

// Server serves one memory. It is an http.Handler for frames.Path.
type Server struct {
	o       Options
	watches watches
	forget  func()        // ends the subscription to the memory
	large   chan struct{} // holds one for each large request that is in memory

	counts transactions

	work context.Context // ends when what is in hand is given up
	stop context.CancelFunc

	mu        sync.Mutex
	conns     map[*conn]struct{}
	strangers strangers
	draining  bool
	open      sync.WaitGroup // connections
}

// New makes the server; Close ends it.
func New(o Options) *Server {
	o.Limits = o.Limits.withDefaults()
	if o.Room == nil {
		o.Room = func() error { return nil }
	}
	s := &Server{o: o, conns: map[*conn]struct{}{}, large: make(chan struct{}, largeAtOnce)}
	s.watches.init(o.Limits, s.byRight)
	s.work, s.stop = context.WithCancel(context.Background())
	s.forget = o.Memory.Subscribe("", s.watches.tell)
	return s
}

// ServeHTTP answers by the method: GET opens a WebSocket, PATCH transacts, POST
// queries.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		s.upgrade(w, r)
	case http.MethodPatch:
		s.once(w, r, frames.Transact, "changes", s.transact)
	case http.MethodPost:
		s.once(w, r, frames.Query, "select", s.query)
	default:
		reply(w, http.StatusNotFound, []byte(`{"message":"Not Found - `+frames.Path+`"}`))
	}
}

// upgrade serves a WebSocket until it is closed. Who may open one was decided
// before; who may do what is decided for each request by its signature.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) {
	if !upgrading(r) {
		reply(w, http.StatusUnprocessableEntity, []byte(noUpgrade))
		return
	}
	c := newConn(s, addressOf(r.RemoteAddr))
	if err := s.enter(c); err != nil {
		reply(w, http.StatusServiceUnavailable, jsonError("ConnectionError", err.Error()))
		return
	}
	defer s.leave(c)
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // it was answered
	}
	c.serve(ws)
}

// enter counts a connection that is about to open.
func (s *Server) enter(c *conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return charm.Errorf(charm.CodeUnavailable, "the service is stopping")
	}
	if err := s.room(); err != nil {
		return err
	}
	s.conns[c] = struct{}{}
	s.strangers = append(s.strangers, c)
	s.open.Add(1)
	return nil
}

func (s *Server) leave(c *conn) {
	s.watches.drop(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.forgetStranger(c)
	s.open.Done()
}

// Close ends all connections: what they had in hand is answered first, until ctx
// ends. New ones are refused.
func (s *Server) Close(ctx context.Context) {
	s.mu.Lock()
	s.draining = true
	for c := range s.conns {
		c.end(websocket.StatusGoingAway, "the service is stopping", false)
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
		s.stop()
		<-done
	}
	s.stop()
	s.forget()
}
