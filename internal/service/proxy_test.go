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
	raging bool           // cuts, delays and drops at random
	storm  sync.WaitGroup // of what was begun while it raged
	hold   chan struct{}  // not nil: nothing that the toolshed says gets through until it is closed
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

// rage begins or ends that; at the end no connection is about to be cut any more.
func (p *proxy) rage(on bool) {
	p.mu.Lock()
	p.raging = on
	p.mu.Unlock()
	if !on {
		p.storm.Wait()
	}
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

// pump carries bytes one way.
func (p *proxy) pump(to, from net.Conn, answers bool) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && !p.pass(to, from, buf[:n], answers) {
			_ = from.Close()
			return
		}
		if err != nil {
			return
		}
	}
}

// pass hands on what was read, and says whether the connection goes on. When it rages
// it delays the bytes, and now and then ends the connection: at once, without them or
// with half of them, or after it has told the sender and before the receiver has them,
// so that they arrive behind what the next connection brings.
func (p *proxy) pass(to, from net.Conn, text []byte, answers bool) bool {
	p.mu.Lock()
	raging, hold := p.raging, p.hold
	if raging {
		p.storm.Add(1)
		defer p.storm.Done()
	}
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
			return false
		case 1:
			_ = from.Close()
			p.wait(time.Duration(rand.IntN(300)) * time.Millisecond)
		case 2:
			_, _ = to.Write(text[:len(text)/2])
			return false
		}
	}
	_, err := to.Write(text)
	return err == nil
}
