package frames

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// line is a connection on which so many bytes come through in a second.
type line struct {
	net.Conn
	speed int
}

func (l line) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p[:min(len(p), l.speed/8)])
	time.Sleep(time.Duration(n) * time.Second / time.Duration(l.speed)) // of the bubble's clock
	return n, err
}

// one is a listener of one connection.
type one chan net.Conn

func (o one) Accept() (net.Conn, error) {
	if c, ok := <-o; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (o one) Close() error   { close(o); return nil }
func (o one) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// pings asks every seven seconds whether the other side is there, until ctx ends.
func pings(ctx context.Context, t *testing.T, conn *websocket.Conn) {
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			if n < 5 {
				t.Errorf("it was asked %d times", n)
			}
			return
		case <-time.After(7 * time.Second):
		}
		if err := conn.Ping(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("it is asked in vain: %v", err)
			return
		}
	}
}

// A large message on a slow line takes its time, and whoever is asked meanwhile
// whether they are there says so.
func TestALargeMessageIsNoSilence(t *testing.T) {
	t.Parallel()
	for _, asks := range []string{"client", "server"} { // not both: this line has no room for what is on its way
		t.Run(asks, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { largeMessage(t, asks) })
		})
	}
}

func largeMessage(t *testing.T, asks string) {
	const speed = 32 << 10
	text := bytes.Repeat([]byte("x"), 60*speed) // a minute
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	network, got, over := make(one, 1), make(chan []byte), make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.CloseNow()
		conn.SetReadLimit(MaxBytes)
		if asks == "server" {
			go pings(ctx, t, conn)
		}
		_, data, err := conn.Read(t.Context())
		if err != nil {
			t.Errorf("the server reads: %v", err)
		}
		got <- data
		<-over
	})}
	go func() { _ = server.Serve(network) }()
	conn, _, err := websocket.Dial(t.Context(), "ws://pipe/", &websocket.DialOptions{HTTPClient: &http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			network <- line{theirs, speed}
			return ours, nil
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if asks == "client" {
		go pings(ctx, t, conn)
	}
	go func() {
		if _, _, err := conn.Read(ctx); ctx.Err() == nil {
			t.Errorf("the client reads: %v", err)
		}
	}()
	pieces := 0
	if err := Write(t.Context(), conn, text, func() { pieces++ }); err != nil {
		t.Errorf("the client writes: %v", err)
	}
	if data := <-got; !bytes.Equal(data, text) || pieces < 2 {
		t.Errorf("%d of %d bytes came, in %d pieces", len(data), len(text), pieces)
	}
	cancel()
	close(over)
	synctest.Wait()
	_ = conn.CloseNow()
	_ = server.Close()
}
