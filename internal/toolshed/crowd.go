package toolshed

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// crowd is a listener that has at most so many connections open. When they are all
// taken, whoever comes next takes the place of the one that has been for longest without
// a request of somebody known to us: so no number of connections that ask nothing, or
// send a body that nobody wants as slowly as may be, keeps others out. When all are
// being answered to whom we know it waits.
type crowd struct {
	net.Listener
	places chan struct{}
	closed chan struct{}
	once   sync.Once

	mu      sync.Mutex
	idle    list.List // of *guest that give way, the first the longest there
	waiting bool      // somebody for whom there is no place
}

// guest is one connection of a crowd.
type guest struct {
	net.Conn
	of    *crowd
	at    *list.Element // in idle; nil when it is not there
	known bool          // since it was last idle, somebody asked whom we know
	gone  bool          // it has given its place back
	leave sync.Once
}

func newCrowd(l net.Listener, most int) *crowd {
	return &crowd{Listener: l, places: make(chan struct{}, most), closed: make(chan struct{})}
}

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	select {
	case c.places <- struct{}{}:
		return &guest{Conn: conn, of: c}, nil
	default:
	}
	c.awaits(true)
	defer c.awaits(false)
	c.makeRoom()
	select {
	case c.places <- struct{}{}:
		return &guest{Conn: conn, of: c}, nil
	case <-c.closed:
		_ = conn.Close() // it was promised nothing
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (c *crowd) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Listener.Close()
}

func (c *crowd) awaits(is bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = is
}

// makeRoom closes the connection that is to give way first, if somebody waits.
func (c *crowd) makeRoom() {
	c.mu.Lock()
	longest := c.idle.Front()
	if !c.waiting || longest == nil {
		c.mu.Unlock()
		return
	}
	c.waiting = false // one place is enough
	c.mu.Unlock()
	_ = longest.Value.(*guest).Close() // no request of somebody known is lost
}

// Close implements net.Conn.
func (g *guest) Close() error {
	err := g.Conn.Close()
	g.leave.Do(func() {
		g.of.mu.Lock()
		g.gone = true
		g.line(false)
		g.of.mu.Unlock()
		<-g.of.places
	})
	return err
}

// waits notes whether the connection is without a request.
func (g *guest) waits(idle bool) {
	g.of.mu.Lock()
	defer g.of.mu.Unlock()
	g.line(idle)
}

// asks notes whether we know whoever a request is from. One of a stranger keeps no
// place: it is answered, and gives way when others come.
func (g *guest) asks(known bool) {
	g.of.mu.Lock()
	defer g.of.mu.Unlock()
	g.known = g.known || known // of several requests at once by HTTP/2
	g.line(!g.known)
}

// line puts the connection at the end of those that give way, or takes it out. One that
// has given way is not put there again by a request that was read before: it has nothing
// more to give, and whoever waits would wait for ever.
func (g *guest) line(up bool) {
	if g.at != nil {
		g.of.idle.Remove(g.at)
		g.at = nil
	}
	if up && !g.gone {
		g.at, g.known = g.of.idle.PushBack(g), false
	}
}

// stands is told by the server how a connection stands.
func stands(conn net.Conn, state http.ConnState) {
	if g := guestOf(conn); g != nil && state != http.StateClosed {
		g.waits(state == http.StateNew || state == http.StateIdle)
		g.of.makeRoom()
	}
}

// guestOf is the guest beneath a connection of a server; nil when it is of no crowd.
func guestOf(conn net.Conn) *guest {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	g, _ := conn.(*guest)
	return g
}

type guestKey struct{}

// withGuest gives requests the connection that they come by.
func withGuest(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, guestKey{}, guestOf(conn))
}

// tellCrowd says whether we know whoever a request is from.
func tellCrowd(ctx context.Context, known bool) {
	if g, _ := ctx.Value(guestKey{}).(*guest); g != nil {
		g.asks(known)
		g.of.makeRoom()
	}
}
