package client

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"charmd/internal/charm"
)

// pipes is a network within the process, on the bubble's clock.
type pipes chan net.Conn

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p <- theirs
	return ours, nil
}

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// A toolshed that has vanished without a word is noticed, and one that only has
// nothing to say is not taken for one.
func TestFault24_AToolshedThatHasVanishedIsNoticed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		serve func(*websocket.Conn)
		again bool
	}{
		"vanished": {func(*websocket.Conn) {}, true},
		"silent":   {func(conn *websocket.Conn) { conn.CloseRead(context.Background()) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network, ended := make(pipes), make(chan struct{})
				var began atomic.Int64
				server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					conn, err := websocket.Accept(w, r, nil)
					if err != nil {
						t.Error(err)
						return
					}
					began.Add(1)
					c.serve(conn)
					<-ended
					_ = conn.CloseNow()
				})}
				go func() { _ = server.Serve(network) }()
				var told []error
				client, err := New(Options{
					URL: "http://pipe", Changed: func(err error) { told = append(told, err) },
					Transport: &http.Transport{DialContext: network.dial},
				})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(pingEvery + pingTimeout + time.Second) // of the bubble's clock
				synctest.Wait()
				if n := began.Load(); (n > 1) != c.again {
					t.Errorf("%d connections began", n)
				}
				if c.again && (len(told) < 2 || charm.CodeOf(told[1]) != charm.CodeUnavailable) {
					t.Errorf("told %v", told)
				}
				client.Close()
				close(ended)
				_ = server.Close()
			})
		})
	}
}
