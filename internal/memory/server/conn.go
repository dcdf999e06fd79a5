package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"charmd/internal/memory/frames"
)

const (
	pingEvery   = 30 * time.Second
	pongWithin  = 30 * time.Second
	frameWithin = time.Minute // from the first byte of a request to its last
	writeWithin = time.Minute // of one message
	leaveWithin = 5 * time.Second
	tasksAhead  = 64       // requests of one connection that are read ahead of their turn
	aheadBytes  = 64 << 10 // a longer one is carried out before the next is read
	keptBytes   = 64 << 10 // buffers up to here are kept for the next message
	largeBytes  = 1 << 20  // a longer request counts as large
	largeAtOnce = 4        // of all connections
)

var errBinary = errors.New("a binary message")

// task is one request, in the order received.
type task struct {
	request *frames.Request
	refused error         // why it is not authorized
	done    chan struct{} // closed when it was carried out; nil when nobody waits for that
}

// conn is one WebSocket. One goroutine reads requests and checks signatures, one
// carries requests out in order, one writes.
type conn struct {
	server *Server
	from   string    // the address, as addressOf has it
	since  time.Time // when it was opened
	known  bool      // a signed request has come by it; of the reader
	ws     *websocket.Conn
	ctx    context.Context // ends with the socket
	cancel context.CancelFunc
	in     bytes.Buffer // of the reader
	tasks  chan task
	worked chan struct{} // closed when no more requests are carried out
	out    outbox

	awaits  atomic.Bool // nothing of a request is on its way: the reader waits for the next
	writing atomic.Bool // a message is on its way out

	once   sync.Once
	ending chan struct{} // closed when the connection is to end
	code   websocket.StatusCode
	reason string
}

func newConn(s *Server, from string) *conn {
	c := &conn{server: s, from: from, since: time.Now(), tasks: make(chan task, tasksAhead), worked: make(chan struct{}), ending: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.out.init(s.o.Limits.QueuedBytes)
	return c
}

// serve returns when the socket is closed and nothing of it runs any more.
func (c *conn) serve(ws *websocket.Conn) {
	defer c.cancel()
	defer context.AfterFunc(c.server.work, c.cancel)() // a stop that waits no longer
	c.ws = ws
	ws.SetReadLimit(frames.MaxBytes)
	var parts sync.WaitGroup
	parts.Go(func() {
		defer close(c.worked)
		c.work()
	})
	parts.Go(c.write)
	parts.Go(c.ping)
	malformed := c.read()
	close(c.tasks)
	<-c.worked // what was received is carried out
	if malformed {
		c.end(websocket.StatusNoStatusRcvd, "", false)
	} else {
		c.cancel() // the client is gone
	}
	parts.Wait()
	_ = ws.CloseNow() // as a rule it is closed
}

// end closes the connection: what waits is written first, unless discard throws
// it away. The first call counts. It does not block.
func (c *conn) end(code websocket.StatusCode, reason string, discard bool) {
	c.once.Do(func() {
		c.code, c.reason = code, reason
		if discard {
			c.out.discard()
			// A message is being written to a client that does not read.
			time.AfterFunc(leaveWithin, c.cancel)
		}
		close(c.ending)
	})
}

// read takes requests until the socket is closed, or until the client sends what
// is no request.
func (c *conn) read() (malformed bool) {
	for {
		large, err := c.receive()
		if errors.Is(err, errBinary) {
			return true
		}
		if err != nil {
			return false
		}
		t, err := c.server.check(c.in.Bytes())
		if err == nil && t.refused == nil {
			c.signed()
		}
		if err == nil {
			c.enqueue(t, c.in.Len() > aheadBytes)
		}
		if large {
			<-c.server.large
		}
		if err != nil {
			return true
		}
	}
}

// receive reads one message into c.in. large says that a place among the large
// requests was taken.
func (c *conn) receive() (large bool, err error) {
	if c.in.Reset(); c.in.Cap() > keptBytes {
		c.in = bytes.Buffer{}
	}
	stop := c.hurry()
	c.awaits.Store(true)
	kind, r, err := c.ws.Reader(c.ctx)
	c.awaits.Store(false)
	stop()
	if err != nil {
		return false, err
	}
	if kind != websocket.MessageText {
		return false, errBinary
	}
	late := time.AfterFunc(frameWithin, c.cancel)
	defer late.Stop()
	return c.server.readWhole(c.ctx, &c.in, r)
}

// readWhole reads r to its end. Of a large request the rest is read when there is
// a place for it, which the caller gives back.
func (s *Server) readWhole(ctx context.Context, into *bytes.Buffer, r io.Reader) (large bool, err error) {
	n, err := io.CopyN(into, r, largeBytes)
	if n < largeBytes || err != nil {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return false, err
	}
	select {
	case s.large <- struct{}{}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	if _, err := into.ReadFrom(r); err != nil {
		<-s.large
		return false, err
	}
	return true, nil
}

// enqueue gives the task to the worker, and waits until it was carried out when that
// is asked for.
func (c *conn) enqueue(t task, wait bool) {
	if wait {
		t.done = make(chan struct{})
	}
	select {
	case c.tasks <- t:
	case <-c.worked:
		return
	}
	if wait {
		select {
		case <-t.done:
		case <-c.worked:
		}
	}
}

// write writes what waits, and closes the socket when the connection ends.
func (c *conn) write() {
	var text []byte
	for {
		m, ok := c.out.take()
		if !ok {
			select {
			case <-c.out.filled:
				continue
			case <-c.ctx.Done():
				return
			case <-c.ending:
			}
			select {
			case <-c.worked:
			case <-c.ctx.Done():
				return
			}
			if m, ok = c.out.take(); !ok {
				_ = c.ws.Close(c.code, c.reason) // the client may be gone
				return
			}
		}
		text = m.append(text[:0])
		ctx, cancel := context.WithTimeout(c.ctx, writeWithin)
		c.writing.Store(true)
		err := frames.Write(ctx, c.ws, text, func() {})
		c.writing.Store(false)
		cancel()
		if err != nil {
			c.cancel()
			return
		}
		if cap(text) > keptBytes {
			text = nil
		}
	}
}

// ping finds out whether a client that is silent is still there. Of a message on its way
// the time is its own, and both a question and its answer may have to wait behind what is
// in the buffers on the way for longer than they may take.
func (c *conn) ping() {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-c.ending:
			return
		case <-c.ctx.Done():
			return
		}
		if !c.awaits.Load() || c.writing.Load() {
			continue
		}
		ctx, cancel := context.WithTimeout(c.ctx, pongWithin)
		err := c.ws.Ping(ctx)
		late := ctx.Err() != nil // else it waited behind a message, whose time is its own
		cancel()
		if errors.Is(err, context.DeadlineExceeded) && late && c.awaits.Load() {
			c.end(websocket.StatusGoingAway, "No response from ping frame.", true)
			return
		}
	}
}
