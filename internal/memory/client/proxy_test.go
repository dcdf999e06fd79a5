package client_test

import (
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// proxy is a bad network: it delays what goes through it and cuts connections,
// in the middle of a frame as well, or when the server has answered and the answer
// is not through yet.
type proxy struct {
	t        *testing.T
	listener net.Listener
	conns    sync.WaitGroup

	mu     sync.Mutex
	rand   *rand.Rand
	calm   bool   // nothing happens any more
	server string // where to
	cuts   map[string]int
	seen   map[string]int // requests and answers that came by
	open   map[net.Conn]bool
}

func newProxy(t *testing.T, server string, seed uint64) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, listener: l, server: server, rand: rand.New(rand.NewPCG(seed, 1)), cuts: map[string]int{}, seen: map[string]int{}, open: map[net.Conn]bool{}}
	p.conns.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.cutAll()
		p.conns.Wait()
	})
	return p
}

func (p *proxy) url() string { return "http://" + p.listener.Addr().String() }

// to leads new connections to another server and cuts the old ones.
func (p *proxy) to(server string) {
	p.mu.Lock()
	p.server = server
	p.mu.Unlock()
	p.cutAll()
}

func (p *proxy) rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calm = true
}

func (p *proxy) cutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.Close()
	}
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		address := p.server
		p.mu.Unlock()
		server, err := net.Dial("tcp", address)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.conns.Go(func() {
			p.track(client, server)
			var ways sync.WaitGroup
			ways.Go(func() { p.carry(server, client, "request") })
			ways.Go(func() { p.carry(client, server, "answer") })
			ways.Wait()
			p.untrack(client, server)
		})
	}
}

func (p *proxy) track(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.open[c] = true
	}
}

func (p *proxy) untrack(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.open, c)
	}
}

// carry copies one way until the connection is cut, here or elsewhere.
func (p *proxy) carry(to, from net.Conn, what string) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		pass, delay := p.fate(n, what)
		if delay > 0 {
			<-time.After(delay)
		}
		if _, err := to.Write(buf[:pass]); err != nil || pass < n {
			return
		}
	}
}

// fate decides how much of n bytes passes, and when.
func (p *proxy) fate(n int, what string) (pass int, delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calm {
		return n, 0
	}
	p.seen[what]++
	switch dice := p.rand.IntN(1000); {
	case p.seen[what] == 20 && what == "answer": // each network is that bad, whatever the dice say
		p.cuts["before the answer"]++
		return 0, 0
	case p.seen[what] == 20:
		p.cuts["within the request"]++
		return p.rand.IntN(n), 0
	case dice < 12:
		p.cuts["before the "+what]++
		return 0, 0
	case dice < 20:
		p.cuts["within the "+what]++
		return p.rand.IntN(n), 0
	case dice < 60:
		return n, time.Duration(p.rand.IntN(10)) * time.Millisecond
	}
	return n, 0
}
