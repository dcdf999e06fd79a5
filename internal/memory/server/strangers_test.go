package server_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"charmd/internal/charm"
	"charmd/internal/memory/frames"
	"charmd/internal/memory/server"
)

// pipes is a network within the process, on which time is the test's.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	conn, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return at("server") }

// at is an address that clients come from.
type at string

func (at) Network() string  { return "pipe" }
func (a at) String() string { return string(a) }

// end is the server's end of a connection.
type end struct {
	net.Conn
	from at
}

func (e end) RemoteAddr() net.Addr { return e.from }

// dial opens a socket from an address; nil when it is refused.
func (p pipes) dial(t *testing.T, from at) *client {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		p <- end{there, from}
		return here, nil
	}}
	ws, _, err := websocket.Dial(t.Context(), "http://server"+frames.Path, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		return nil
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &client{t, ws}
}

// listens takes what the client is sent until its connection ends, and says how it did.
func (c *client) listens() (messages chan string, ended chan error) {
	messages, ended = make(chan string, 100), make(chan error, 1)
	go func() {
		for {
			_, text, err := c.ws.Read(c.t.Context())
			if err != nil {
				ended <- err
				return
			}
			messages <- string(text)
		}
	}()
	return messages, ended
}

// inTime is a test on a network within the process, with a clock of its own.
func inTime(t *testing.T, limits server.Limits, test func(t *testing.T, w *world, network pipes)) {
	synctest.Test(t, func(t *testing.T) {
		w := unreachable(t, func(o *server.Options) { o.Limits = limits })
		network := make(pipes)
		s := &http.Server{Handler: w.server}
		go func() { _ = s.Serve(network) }() // ends with the network
		defer close(network)
		test(t, w, network)
	})
}

// A connection by which nothing signed comes is closed; one that has signed may be silent
// for hours, and is told what it has subscribed to.
func TestWhoDoesNotSignIsClosed(t *testing.T) {
	t.Parallel()
	inTime(t, server.Limits{}, func(t *testing.T, w *world, network pipes) {
		owner, other := user("owner"), user("other")
		subscriber, silent, forger := network.dial(t, "10.0.0.1:1"), network.dial(t, "10.0.0.2:1"), network.dial(t, "10.0.0.2:2")
		subscriber.send(frames.Sign(subscribe(t, owner.DID(), owner, doc), owner))
		told, ended := subscriber.listens()
		_, silentEnded := silent.listens()
		forged, forgerEnded := forger.listens()
		<-time.After(charm.SignWithin - time.Second)
		forger.send(frames.Sign(query(t, owner.DID(), owner, doc), other))
		<-forged // it is told why
		for name, ended := range map[string]chan error{"silent": silentEnded, "forging": forgerEnded} {
			if err := <-ended; websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
				t.Errorf("a %s client: %v", name, err)
			}
		}
		<-time.After(5 * time.Hour)
		writer := network.dial(t, "10.0.0.1:2")
		writer.mustDo(write(t, owner.DID(), owner, doc, first(doc), "1"), owner)
		select {
		case <-told:
		case err := <-ended:
			t.Errorf("the subscriber's connection ended: %v", err)
		}
	})
}

// However many connections somebody opens that sign nothing, those who sign are let in
// and stay.
func TestStrangersKeepNobodyOut(t *testing.T) {
	t.Parallel()
	const most, share = 20, 8
	inTime(t, server.Limits{Connections: most, Strangers: share}, func(t *testing.T, w *world, network pipes) {
		owner := user("owner")
		ask := func(c *client) { c.mustDo(query(t, owner.DID(), owner, doc), owner) }
		flood := func() {
			for n := range 5 * share {
				if network.dial(t, at(fmt.Sprintf("[2001:db8::%x]:%d", n, n+1))) == nil { // of one network
					t.Error("a stranger was refused")
				}
			}
		}
		flood()
		shy := network.dial(t, "[2001:db9::1]:1")
		var known []*client
		for n := range most - 2 {
			c := network.dial(t, at(fmt.Sprintf("10.0.0.1:%d", n+1)))
			if c == nil {
				t.Fatalf("with %d who have signed the next was refused", n)
			}
			ask(c)
			known = append(known, c)
			if n%4 == 0 {
				flood()
			}
		}
		synctest.Wait()
		if n := w.server.Counts().Connections; n != most {
			t.Errorf("there are %d connections", n)
		}
		ask(shy) // it was alone at its address
		ask(network.dial(t, "10.0.0.2:1"))
		for _, c := range known {
			ask(c)
		}
		if network.dial(t, "10.0.0.3:1") != nil {
			t.Error("there are more connections than there may be")
		}
	})
}
