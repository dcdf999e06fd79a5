package toolshed

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// Connections that ask nothing, or nothing any more, do not keep out who asks; those
// that are being answered keep their places.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	t.Parallel()
	const most = 8
	shed := newToolshed(idle{})
	busy, done := make(chan struct{}, most), make(chan struct{})
	shed.mux.HandleFunc("GET /assets/slow", func(w http.ResponseWriter, _ *http.Request) {
		busy <- struct{}{}
		<-done
		_, _ = io.WriteString(w, "done")
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := shed.Server(nil)
	go server.Serve(newCrowd(l, most))
	t.Cleanup(func() { _ = server.Close() })
	dial := func(path string) *bufio.Reader {
		t.Helper()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if path != "" {
			_, _ = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer right\r\n\r\n")
		}
		return bufio.NewReader(c)
	}
	read := func(r *bufio.Reader) {
		t.Helper()
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		if answer.StatusCode != http.StatusOK {
			t.Errorf("answered %d", answer.StatusCode)
		}
	}
	var slow []*bufio.Reader
	for range most - 1 {
		slow = append(slow, dial("/assets/slow"))
		<-busy
	}
	for range 3 * most {
		dial("")               // says nothing
		read(dial("/healthz")) // and keeps the connection
	}
	last := dial("/assets/slow")
	<-busy // now all places are taken by who is being answered
	waiting := dial("/healthz")
	close(done)
	for _, r := range append(slow, last, waiting) {
		read(r)
	}
}

// Requests of strangers that do not end, because a body is sent slowly that nobody wants
// or an answer is not taken, keep nobody out either, and no token is asked of them first.
func TestStrangersMakeRoom(t *testing.T) {
	t.Parallel()
	const most = 8
	shed := newToolshed(idle{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := shed.Server(nil)
	go server.Serve(newCrowd(l, most))
	t.Cleanup(func() { _ = server.Close() })
	for i := range 3 * most {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		to, host := "/api/v1/charms", "127.0.0.1"
		switch i % 3 {
		case 1:
			to = "/healthz" // which is open
		case 2:
			host = "charmd.example.com" // which we are not
		}
		_, _ = io.WriteString(c, "GET "+to+" HTTP/1.1\r\nHost: "+host+"\r\nContent-Length: 1000\r\n\r\n{")
	}
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil { // half of the time that a body may take
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer right\r\n\r\n")
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
}

// A connection that gives way while its request is read gives way once: the next who
// comes is not told to wait for its place.
func TestWhoHasGivenWayDoesNotAgain(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	crowd := newCrowd(nil, 1)
	crowd.places <- struct{}{}
	g := &guest{Conn: near, of: crowd}
	stands(g, http.StateNew)
	crowd.awaits(true)
	crowd.makeRoom()
	if len(crowd.places) != 0 {
		t.Fatal("it does not give way")
	}
	stands(g, http.StateActive) // what it sent before is read, and answered
	g.asks(false)
	stands(g, http.StateIdle)
	if n := crowd.idle.Len(); n != 0 {
		t.Errorf("%d are to give way that have no place", n)
	}
}

// Of several requests at once on one connection, one of somebody known keeps its place.
func TestAKnownRequestKeepsThePlace(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	g := &guest{Conn: near, of: newCrowd(nil, 1)}
	for _, step := range []struct {
		name string
		do   func()
		want int // that give way
	}{
		{"new", func() { stands(g, http.StateNew) }, 1},
		{"begins", func() { stands(g, http.StateActive) }, 0},
		{"a stranger", func() { g.asks(false) }, 1},
		{"somebody known", func() { g.asks(true) }, 0},
		{"a stranger besides", func() { g.asks(false) }, 0},
		{"idle", func() { stands(g, http.StateIdle) }, 1},
		{"begins again", func() { stands(g, http.StateActive) }, 0},
		{"a stranger alone", func() { g.asks(false) }, 1},
		{"taken over", func() { stands(g, http.StateHijacked) }, 0},
	} {
		if step.do(); g.of.idle.Len() != step.want {
			t.Errorf("%s: %d give way", step.name, g.of.idle.Len())
		}
	}
}

// A connection that is closed twice, or taken over, gives its place back once.
func TestAPlaceIsGivenBackOnce(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	t.Cleanup(func() { _ = far.Close() })
	c := newCrowd(nil, 2)
	c.places <- struct{}{}
	g := &guest{Conn: near, of: c}
	for _, state := range []http.ConnState{http.StateNew, http.StateActive, http.StateIdle} {
		stands(g, state)
		if want := map[bool]int{true: 1}[state != http.StateActive]; c.idle.Len() != want {
			t.Errorf("%v: %d idle", state, c.idle.Len())
		}
	}
	c.makeRoom() // nobody waits
	if c.idle.Len() != 1 {
		t.Error("it was closed for nobody")
	}
	c.awaits(true)
	c.makeRoom()
	_ = g.Close()
	stands(g, http.StateClosed)
	if c.idle.Len() != 0 || len(c.places) != 0 {
		t.Errorf("%d idle, %d places taken", c.idle.Len(), len(c.places))
	}
}
