package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"charmd/internal/charm"
	"charmd/internal/memory/frames"
)

// A connection on which nothing moves is found to be dead within twice pingEvery and
// pingTimeout; one that takes no more of a request within pingTimeout.
const (
	pingEvery   = 15 * time.Second
	pingTimeout = 30 * time.Second
)

// run keeps a connection until the client is closed.
func (c *Client) run() {
	defer close(c.done)
	defer c.http.CloseIdleConnections()
	defer c.finish()
	for attempt, told := 0, false; ; attempt++ {
		connected, heard, err := c.connection()
		if c.life.Err() != nil {
			return
		}
		if heard {
			attempt = 0
		}
		if connected || !told {
			c.tell(err)
			told = true
		}
		timer := time.NewTimer(wait(attempt, jitter()))
		select {
		case <-timer.C:
		case <-c.life.Done():
			timer.Stop()
			return
		}
	}
}

func (c *Client) tell(err error) {
	if c.changed != nil {
		c.changed(err)
	}
}

// connection makes one connection and serves it until it ends. It says whether
// there was one, whether anything that makes sense was heard on it, and how it
// ended.
func (c *Client) connection() (connected, heard bool, err error) {
	dial, cancel := context.WithTimeout(c.life, dialTimeout)
	conn, res, err := websocket.Dial(dial, c.address, &websocket.DialOptions{HTTPClient: c.http})
	cancel()
	if err != nil {
		err = c.unreachable(res, err)
		c.mu.Lock()
		c.down = err
		c.mu.Unlock()
		return false, false, err
	}
	// An answer holds the transaction that was sent and may hold a document besides.
	conn.SetReadLimit(2 * frames.MaxBytes)
	c.attach()
	c.tell(nil)

	life, end := context.WithCancel(c.life)
	var parts sync.WaitGroup
	var moves moving
	parts.Go(func() { c.write(life, conn, &moves) })
	parts.Go(func() { c.ping(life, conn, &moves) })
	heard, err = c.listen(life, conn, &moves)
	end()
	_ = conn.CloseNow()
	parts.Wait()
	err = c.lost(err)
	c.detach(err)
	return true, heard, err
}

// listen takes messages until the connection ends.
func (c *Client) listen(ctx context.Context, conn *websocket.Conn, moves *moving) (heard bool, err error) {
	for {
		kind, r, err := conn.Reader(ctx)
		if err != nil {
			return heard, err
		}
		if kind != websocket.MessageText {
			return heard, errors.New("it sent a binary message")
		}
		data, err := io.ReadAll(moves.reader(r))
		if err != nil {
			return heard, err
		}
		m, err := frames.ParseMessage(data)
		if err != nil {
			return heard, err
		}
		heard = true
		if err := c.receive(m); err != nil {
			return heard, err
		}
	}
}

// receive takes one message. Returns of calls that nobody waits for any more, and
// effects of subscriptions that have ended, are no error: others may go on
// sending them (memory spec §7.5).
func (c *Client) receive(m frames.Message) error {
	if m.The == frames.EffectOf {
		return c.effect(m)
	}
	k := c.heard(m.Of)
	if k == nil {
		return nil
	}
	ok, err := m.Result()
	if err != nil {
		err = k.space.refused(err)
	}
	k.done(ok, err)
	return nil
}

// effect gives a committed transaction to every subscription it matters to: the
// toolshed names only the first (memory spec §7.5).
func (c *Client) effect(m frames.Message) error {
	space, changes := text(m.Is, "sub"), object(object(m.Is, "args"), "changes")
	for _, u := range c.subscribers() {
		if u.space.did != space {
			continue
		}
		if err := u.effect(changes); err != nil {
			return err
		}
	}
	return nil
}

// write sends what is in the outbox. A failure ends the connection, which the
// listener notices.
func (c *Client) write(ctx context.Context, conn *websocket.Conn, moves *moving) {
	for k := c.next(ctx); k != nil; k = c.next(ctx) {
		sending, cancel := context.WithCancel(ctx)
		late := time.AfterFunc(pingTimeout, cancel)
		err := frames.Write(sending, conn, k.frame, func() {
			late.Reset(pingTimeout)
			moves.piece()
		})
		late.Stop()
		cancel()
		if err != nil {
			_ = conn.CloseNow()
			return
		}
	}
}

// ping ends a connection whose other side does not answer any more.
func (c *Client) ping(ctx context.Context, conn *websocket.Conn, moves *moving) {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if !moves.still() {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, pingTimeout)
		err := conn.Ping(limited)
		behind := errors.Is(err, context.DeadlineExceeded) && limited.Err() == nil // a request, whose time is its own
		cancel()
		if err != nil && !behind {
			_ = conn.CloseNow()
			return
		}
	}
}

// unreachable is the error of a connection that could not be made.
func (c *Client) unreachable(res *http.Response, err error) error {
	if res != nil && res.StatusCode != http.StatusSwitchingProtocols {
		return charm.Errorf(charm.CodeUnavailable, "what answers at %s serves no memory: it answered %s", c.base, res.Status).
			WithHint("a toolshed serves it at %s", frames.Path)
	}
	return charm.Errorf(charm.CodeUnavailable, "the toolshed at %s cannot be reached: %w", c.base, root(err)).
		WithHint("is it running, and is the address right?")
}

// lost is the error of a connection that ended.
func (c *Client) lost(err error) error {
	if websocket.CloseStatus(err) == websocket.StatusGoingAway {
		return charm.Errorf(charm.CodeUnavailable, "the toolshed at %s is going away", c.base)
	}
	return charm.Errorf(charm.CodeUnavailable, "the connection to the toolshed at %s was lost: %w", c.base, root(err))
}

// root is the innermost cause: what the layers in between add helps nobody.
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
