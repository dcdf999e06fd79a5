package live

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/coder/websocket"

	"charmd/internal/charm"
	"charmd/internal/handlers"
	"charmd/internal/jsontext"
)

const (
	writeWithin = 20 * time.Second // of one message; a page that does not take it connects again
	pingEvery   = 30 * time.Second
	actsAhead   = 64  // of one page, read ahead of their turn
	mostAnswers = 256 // that wait for a page to take them
)

// conn is one open page. One goroutine reads what people do, one carries it out
// in order, one writes.
type conn struct {
	server *Server
	view   *view
	ws     *websocket.Conn
	acts   chan message
	ctx    context.Context // ends with the socket
	cancel context.CancelFunc
	going  chan struct{} // closed when the service stops
	once   sync.Once

	mu      sync.Mutex
	answers []any
	answer  chan struct{} // capacity 1: there are answers
}

func newConn(s *Server, v *view) *conn {
	c := &conn{server: s, view: v, acts: make(chan message, actsAhead), going: make(chan struct{}), answer: make(chan struct{}, 1)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// leave ends the page because the service stops: what it has begun is finished.
func (c *conn) leave() { c.once.Do(func() { close(c.going) }) }

// serve returns when the socket is closed and nothing of it runs any more.
func (c *conn) serve(ws *websocket.Conn) {
	defer c.cancel()
	c.ws = ws
	ws.SetReadLimit(MaxMessageBytes)
	var parts sync.WaitGroup
	acted := make(chan struct{})
	parts.Go(func() {
		defer close(acted)
		c.act()
	})
	parts.Go(func() {
		defer c.cancel()
		c.write()
	})
	go func() {
		select {
		case <-c.going:
			<-acted // it answers what it has begun
		case <-c.ctx.Done():
		}
		c.cancel()
	}()
	err := c.read()
	close(c.acts)
	if charm.CodeOf(err) == charm.CodeInvalid {
		_ = ws.Close(websocket.StatusPolicyViolation, err.Error())
	}
	c.cancel()
	parts.Wait()
	_ = ws.Close(websocket.StatusGoingAway, "")
}

// read takes messages until the socket is closed or one is not as it should be.
func (c *conn) read() error {
	for {
		_, data, err := c.ws.Read(c.ctx)
		if err != nil {
			return err
		}
		m, err := decode(data)
		if err != nil {
			return err
		}
		select {
		case c.acts <- m:
		case <-c.ctx.Done():
			return c.ctx.Err()
		}
	}
}

// act carries out what was done on the page, one after the other.
func (c *conn) act() {
	for {
		select {
		case <-c.going:
			return
		case m, ok := <-c.acts:
			if !ok || !c.reply(c.do(m)) {
				return
			}
		}
	}
}

// do carries out one act. What has begun is finished also when the page is closed.
func (c *conn) do(m message) any {
	answer := jsontext.NewObject()
	answer.Set("done", m.id)
	failed := func(err error) any {
		switch charm.CodeOf(err) {
		case charm.CodeUnavailable, charm.CodeUnanswered, charm.CodeInternal:
			answer.Delete("done")
			answer.Set("again", m.id)
		}
		answer.Set("error", said(err))
		return answer
	}
	if err := c.server.o.Refused(); err != nil {
		return failed(err)
	}
	run, err := c.carryOut(m)
	if err != nil {
		return failed(err)
	}
	if run.Outcome != charm.OK {
		answer.Set("error", run.Error)
		answer.Set("at", run.Position)
	}
	return answer
}

// carryOut is the record of what was done on the page, which this carries out unless it
// was already.
func (c *conn) carryOut(m message) (charm.Run, error) {
	acts, ctx, row := c.server.o.Acts, c.server.ctx, c.view.charm.Row
	run, done, err := acts.Done(ctx, row, m.id)
	if err != nil || done {
		return run, err
	}
	root := c.shown()
	if root == nil {
		return run, charm.Errorf(charm.CodeUnavailable, "the page ended before it was drawn")
	}
	act, ok := c.find(m, root)
	if !ok {
		// The page may have lost its connection, and what it sent before have been
		// carried out since: that is what took it from the page.
		if run, done, err = acts.Done(ctx, row, m.id); err == nil && !done {
			err = charm.Errorf(charm.CodeNotFound, "this is not on the page any more")
		}
		return run, err
	}
	if run, err = acts.Do(ctx, act); err != nil {
		c.server.o.Logger.Warn("what was done on a page could not be carried out", "charm", c.view.charm.Ref(), "err", err)
	}
	return run, err
}

// said is an error as people are told it.
func said(err error) string {
	if e, ok := errors.AsType[*charm.Error](err); ok {
		return e.Message
	}
	return "something went wrong inside; the service's log says what"
}

// shown is what the page shows now. A page that connects again sends at once what
// was not answered before, and by then nothing may be drawn yet. It is nil when the
// page ends before.
func (c *conn) shown() *node {
	for {
		now, changed := c.view.now()
		if now.page.root != nil {
			return now.page.root
		}
		select {
		case <-changed:
		case <-c.going:
			return nil
		case <-c.ctx.Done():
			return nil
		}
	}
}

// find is where the act goes, by what the page shows now.
func (c *conn) find(m message, root *node) (handlers.Act, bool) {
	act := handlers.Act{ID: m.id, Charm: c.view.charm, Value: m.value, Write: m.set != ""}
	n := root.find(m.node)
	if n == nil {
		return act, false
	}
	for _, h := range n.on {
		if h.event == m.event {
			act.At = h.stream
			return act, true
		}
	}
	for _, b := range n.bound {
		if b.name == m.set {
			act.At = b.cell
			return act, true
		}
	}
	return act, false
}

// reply puts an answer where the writer finds it; false when the page does not
// take them.
func (c *conn) reply(answer any) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.answers) >= mostAnswers {
		c.cancel()
		return false
	}
	c.answers = append(c.answers, answer)
	select {
	case c.answer <- struct{}{}:
	default:
	}
	return true
}

// write tells the page the latest state whenever it has taken what it was told
// before, and its answers.
func (c *conn) write() {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	var told state
	for {
		now, changed := c.view.now()
		for _, m := range c.messages(told, now) {
			if !c.send(m) {
				return
			}
		}
		if now.page.root != nil {
			told = now
		}
		select {
		case <-changed:
		case <-c.answer:
		case <-ping.C:
			ctx, cancel := context.WithTimeout(c.ctx, writeWithin)
			err := c.ws.Ping(ctx)
			cancel()
			if err != nil {
				return
			}
		case <-c.ctx.Done():
			return
		}
	}
}

// messages are what the page has to be told.
func (c *conn) messages(told, now state) []any {
	var list []any
	news := jsontext.NewObject()
	switch {
	case now.page.root == nil:
	case told.page.root == nil:
		news.Set("v", float64(Version))
		news.Set("tree", now.page.root.json())
	case told.page.root != now.page.root:
		news.Set("ops", c.view.ops(told.page.root, now.page.root))
	}
	if now.page.root != nil && !jsontext.Equal(told.standing, now.standing) {
		news.Set("page", now.standing)
	}
	if news.Len() > 0 {
		list = append(list, news)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	list = append(list, c.answers...)
	c.answers = nil
	return list
}

func (c *conn) send(m any) bool {
	ctx, cancel := context.WithTimeout(c.ctx, writeWithin)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageText, jsontext.Append(nil, m)) == nil
}
