package toolshed

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// crowd is a listener that has at most so many connections open. When they are all
// taken, whoever comes next takes the place of the one that has been without a request
// for longest: so no number of connections that ask nothing keeps others out. When all
// are being answered it waits.
type crowd struct {
	net.Listener
	places chan struct{}
	closed chan struct{}
	once   sync.Once

	mu      sync.Mutex
	idle    list.List // of *guest, the longest idle first
	waiting bool      // somebody for whom there is no place
}

// guest is one connection of a crowd.
type guest struct {
	net.Conn
	of    *crowd
	at    *list.Element // in idle; nil when it is not there
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

// makeRoom closes the connection that has been idle for longest, if somebody waits.
func (c *crowd) makeRoom() {
	c.mu.Lock()
	longest := c.idle.Front()
	if !c.waiting || longest == nil {
		c.mu.Unlock()
		return
	}
	c.waiting = false // one place is enough
	c.mu.Unlock()
	_ = longest.Value.(*guest).Close() // nothing of a request is lost
}

// Close implements net.Conn.
func (g *guest) Close() error {
	err := g.Conn.Close()
	g.leave.Do(func() {
		g.waits(false)
		<-g.of.places
	})
	return err
}

// waits notes whether the connection is without a request.
func (g *guest) waits(idle bool) {
	g.of.mu.Lock()
	defer g.of.mu.Unlock()
	if g.at != nil {
		g.of.idle.Remove(g.at)
		g.at = nil
	}
	if idle {
		g.at = g.of.idle.PushBack(g)
	}
}

// stands is told by the server how a connection stands.
func stands(conn net.Conn, state http.ConnState) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if g, ok := conn.(*guest); ok && state != http.StateClosed {
		g.waits(state == http.StateNew || state == http.StateIdle)
		g.of.makeRoom()
	}
}
