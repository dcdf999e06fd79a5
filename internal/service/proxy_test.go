package service_test

import (
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// proxy is what lies between a service and its toolshed.
type proxy struct {
	t      *testing.T
	url    string
	target string

	mu     sync.Mutex
	raging bool          // cuts, delays and drops at random
	hold   chan struct{} // not nil: nothing that the toolshed says gets through until it is closed
	open   map[net.Conn]bool
	work   sync.WaitGroup
	closed chan struct{}
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, url: "http://" + l.Addr().String(), target: target, open: map[net.Conn]bool{}, closed: make(chan struct{})}
	p.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.work.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		close(p.closed)
		_ = l.Close()
		p.cut()
		p.work.Wait()
	})
	return p
}

func (p *proxy) rage(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.raging = on
}

// cut ends every connection.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.Close()
	}
}

// holdAnswers keeps back what the toolshed says until the function it returns is
// called.
func (p *proxy) holdAnswers() (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	hold := make(chan struct{})
	p.hold = hold
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.hold = nil
		close(hold)
	}
}

func (p *proxy) keep(c net.Conn, there bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if there {
		p.open[c] = true
	} else {
		delete(p.open, c)
	}
}

func (p *proxy) serve(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer far.Close()
	p.keep(near, true)
	p.keep(far, true)
	defer p.keep(near, false)
	defer p.keep(far, false)
	var both sync.WaitGroup
	both.Go(func() { p.pump(far, near, false) })
	both.Go(func() { p.pump(near, far, true) })
	both.Wait()
}

// wait is a pause that ends when the test does.
func (p *proxy) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.closed:
	}
}

// pump carries bytes one way. When it rages it delays them, and now and then ends
// the connection: at once, without the bytes in hand, or after it has told the
// sender and before the receiver has them, so that they arrive behind what the next
// connection brings.
func (p *proxy) pump(to, from net.Conn, answers bool) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			p.mu.Lock()
			raging, hold := p.raging, p.hold
			p.mu.Unlock()
			if hold != nil && answers {
				select {
				case <-hold:
				case <-p.closed:
				}
			}
			if raging {
				p.wait(time.Duration(rand.IntN(4)) * time.Millisecond)
				switch rand.IntN(150) {
				case 0:
					_ = from.Close()
					return
				case 1:
					_ = from.Close()
					p.wait(time.Duration(rand.IntN(300)) * time.Millisecond)
				case 2:
					_, _ = to.Write(buf[:n/2])
					_ = from.Close()
					return
				}
			}
			if _, err := to.Write(buf[:n]); err != nil {
				_ = from.Close()
				return
			}
		}
		if err != nil {
			return
		}
	}
}
