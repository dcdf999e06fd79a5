package server_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"charmd/internal/memory/frames"
	"charmd/internal/memory/server"
)

// slowSpeed is how many bytes come through a slow line in a second.
const slowSpeed = 16 << 10

// slow is an end of a slow line.
type slow struct{ net.Conn }

func (s slow) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p[:min(len(p), slowSpeed)])
	<-time.After(time.Duration(n) * time.Second / slowSpeed)
	return n, err
}

// While a large request or its answer is on its way a client is not asked whether it is
// there: the question could not be written, nor be answered, within the time it has.
func TestAClientIsNotAskedBehindAMessage(t *testing.T) {
	t.Parallel()
	inTime(t, server.Limits{}, func(t *testing.T, _ *world, network pipes) {
		var pings atomic.Int64
		ws, _, err := websocket.Dial(t.Context(), "http://server"+frames.Path, &websocket.DialOptions{
			HTTPClient: &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
				here, there := net.Pipe()
				network <- end{slow{there}, "10.0.0.1:1"}
				return slow{here}, nil
			}}},
			OnPingReceived: func(context.Context, []byte) bool {
				pings.Add(1)
				return true
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer ws.CloseNow()
		ws.SetReadLimit(frames.MaxBytes)
		owner := user("owner")
		c, began := &client{t, ws}, time.Now()
		messages, ended := c.listens()
		for _, i := range []*frames.Invocation{
			write(t, owner.DID(), owner, doc, first(doc), `"`+strings.Repeat("x", 40*slowSpeed)+`"`),
			query(t, owner.DID(), owner, doc),
		} {
			c.send(frames.Sign(i, owner))
			select {
			case <-messages:
			case err := <-ended:
				t.Fatalf("after %v and %d pings the connection ended: %v", time.Since(began), pings.Load(), err)
			}
		}
		if took := time.Since(began); took < 2*time.Minute {
			t.Errorf("the messages took %v", took)
		}
		if n := pings.Load(); n != 0 {
			t.Errorf("meanwhile the client was asked %d times", n)
		}
		<-time.After(time.Minute + time.Second)
		if pings.Load() == 0 {
			t.Error("a client that is silent is not asked")
		}
	})
}
