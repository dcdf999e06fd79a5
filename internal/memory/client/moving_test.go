package client

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"charmd/internal/jsontext"
	"charmd/internal/memory/frames"
)

// slowSpeed is how many bytes come through a slow line in a second.
const slowSpeed = 8 << 10

// slow is an end of a slow line.
type slow struct{ net.Conn }

func (s slow) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p[:min(len(p), slowSpeed)])
	time.Sleep(time.Duration(n) * time.Second / slowSpeed) // of the bubble's clock
	return n, err
}

// While a large request or its answer is on its way nobody is asked whether they are
// there: a question could not be written, nor be answered, within the time it has.
func TestWhatMovesIsNotAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network, ended := make(pipes), make(chan struct{})
		var pings atomic.Int64
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{OnPingReceived: func(context.Context, []byte) bool {
				pings.Add(1)
				return true
			}})
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.CloseNow()
			conn.SetReadLimit(frames.MaxBytes)
			_, data, err := conn.Read(t.Context())
			if err != nil {
				t.Errorf("the request: %v", err)
				return
			}
			request, err := frames.ParseRequest(data)
			if err != nil {
				t.Error(err)
				return
			}
			reading := conn.CloseRead(t.Context())
			answer := frames.Return(request.Job(), []byte(`{"ok":"`+strings.Repeat("x", 120*slowSpeed)+`"}`))
			if err := frames.Write(t.Context(), conn, answer, func() {}); err != nil {
				t.Errorf("the answer: %v", err)
			}
			select {
			case <-ended:
			case <-reading.Done():
			}
		})}
		go func() { _ = server.Serve(network) }()
		client, err := New(Options{URL: "http://pipe", Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			network <- slow{theirs}
			return slow{ours}, nil
		}}})
		if err != nil {
			t.Fatal(err)
		}
		args := jsontext.NewObject()
		args.Set("select", strings.Repeat("x", 120*slowSpeed))
		began := time.Now()
		_, err = client.do(t.Context(), client.Space(owner.DID(), owner).call(frames.Query, args))
		if took := time.Since(began); err != nil || took < 3*time.Minute {
			t.Errorf("it took %v, %v", took, err)
		}
		if n := pings.Load(); n != 0 {
			t.Errorf("meanwhile it was asked %d times", n)
		}
		time.Sleep(2*pingEvery + time.Second) // of the bubble's clock
		if pings.Load() == 0 {
			t.Error("a connection on which nothing moves is not asked")
		}
		client.Close()
		close(ended)
		_ = server.Close()
	})
}
