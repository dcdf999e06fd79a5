package egress

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// network counts what is really sent.
type network struct {
	mu   sync.Mutex
	sent int
}

func (n *network) send(reply Reply, err error) func() (Reply, Entry, error) {
	return func() (Reply, Entry, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.sent++
		reply.StatusText = fmt.Sprint("request ", n.sent)
		return reply, Entry{Status: n.sent}, err
	}
}

func TestLogReplays(t *testing.T) {
	t.Parallel()
	base := Request{Method: "POST", URL: "http://h/", Headers: [][2]string{{"a", "b"}}, Body: []byte("x")}
	vary := func(f func(*Request)) Request { r := base; f(&r); return r }
	requests := []Request{
		base,
		base, // again: the second occurrence
		vary(func(r *Request) { r.Method = "PUT" }),
		vary(func(r *Request) { r.URL = "http://h/?" }),
		vary(func(r *Request) { r.Headers = [][2]string{{"ab", ""}} }),
		vary(func(r *Request) { r.Headers = [][2]string{{"", "ab"}} }),
		vary(func(r *Request) { r.Headers = nil }),
		vary(func(r *Request) { r.Body = []byte("y") }),
		vary(func(r *Request) { r.Redirect = RedirectManual }),
	}
	var n network
	l := NewLog()
	var first []string
	for i, req := range requests {
		reply, _, err, replayed := l.Do(t.Context(), n.send(Reply{Status: 200}, nil), req)
		if err != nil || replayed {
			t.Fatalf("request %d: replayed %v, error %v", i, replayed, err)
		}
		first = append(first, reply.StatusText)
	}
	for run := range 2 {
		l.Rewind()
		var again []string
		for i, req := range requests {
			reply, entry, err, replayed := l.Do(t.Context(), n.send(Reply{}, errors.New("sent again")), req)
			if err != nil || !replayed || entry.Status == 0 {
				t.Fatalf("run %d, request %d: replayed %v, row %+v, error %v", run, i, replayed, entry, err)
			}
			again = append(again, reply.StatusText)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("run %d got other replies:\n%s", run, diff)
		}
	}
	if _, _, _, replayed := l.Do(t.Context(), n.send(Reply{}, nil), base); replayed || n.sent != len(requests)+1 {
		t.Errorf("a third occurrence was replayed, or %d requests were sent", n.sent)
	}
}

func TestLogKeepsFailuresButNotCancellations(t *testing.T) {
	t.Parallel()
	var n network
	l := NewLog()
	failed := Request{URL: "http://down/"}
	stopped := Request{URL: "http://stopped/"}
	down := newError(CodeConnect, "down", "cannot connect")
	l.Do(t.Context(), n.send(Reply{}, down), failed)
	l.Do(t.Context(), n.send(Reply{}, newError(CodeCanceled, "stopped", "cancelled")), stopped)
	l.Rewind()
	if _, _, err, replayed := l.Do(t.Context(), n.send(Reply{}, nil), failed); !replayed || err != error(down) {
		t.Errorf("failure: replayed %v, %v", replayed, err)
	}
	if _, _, err, replayed := l.Do(t.Context(), n.send(Reply{}, nil), stopped); replayed || err != nil {
		t.Errorf("cancelled request: replayed %v, %v", replayed, err)
	}
	l.Rewind()
	if _, _, _, replayed := l.Do(t.Context(), n.send(Reply{}, nil), stopped); !replayed {
		t.Error("what replaced the cancelled request is not replayed")
	}
}

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	var n network
	l := NewLog()
	body := make([]byte, MaxRecordedBytes/4)
	requests := make([]Request, 6)
	for i := range requests {
		requests[i].URL = fmt.Sprint("http://h/", i)
		_, entry, _, _ := l.Do(t.Context(), n.send(Reply{Body: body}, nil), requests[i])
		if kept := i < 3; kept != (entry.Note == "") {
			t.Errorf("reply %d: note %q", i, entry.Note)
		}
	}
	small := Request{URL: "http://h/small"}
	l.Do(t.Context(), n.send(Reply{}, nil), small)
	if l.bytes > MaxRecordedBytes {
		t.Errorf("%d bytes are kept", l.bytes)
	}
	l.Rewind()
	for i, req := range append(requests, small) {
		_, _, _, replayed := l.Do(t.Context(), n.send(Reply{Body: body}, nil), req)
		if want := i < 3 || i == 6; replayed != want {
			t.Errorf("request %d: replayed %v, want %v", i, replayed, want)
		}
	}
}

// A run is repeated while a request of its first try is still under way.
func TestLogWaitsForRequestUnderWay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		what string
		err  error
		sent int
	}{
		{"it brings a reply", nil, 1},
		{"it fails", errors.New("reset"), 1},
		{"it is cancelled", newError(CodeCanceled, "h", "cancelled"), 2},
	} {
		t.Run(test.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n network
				l := NewLog()
				req := Request{URL: "http://h/"}
				answer := make(chan struct{})
				go l.Do(t.Context(), func() (Reply, Entry, error) {
					<-answer
					return n.send(Reply{}, test.err)()
				}, req)
				synctest.Wait()
				l.Rewind()

				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				if _, entry, err, _ := l.Do(ctx, n.send(Reply{}, nil), req); entry.Verdict != VerdictCanceled || err == nil {
					t.Errorf("waiting is not cancelled: %+v, %v", entry, err)
				}
				l.Rewind()
				done := make(chan bool)
				go func() {
					_, _, _, replayed := l.Do(t.Context(), n.send(Reply{}, nil), req)
					done <- replayed
				}()
				synctest.Wait()
				close(answer)
				if replayed := <-done; replayed != (test.sent == 1) || n.sent != test.sent {
					t.Errorf("replayed %v, %d sent", replayed, n.sent)
				}
			})
		})
	}
}

func TestLogSurvivesPanic(t *testing.T) {
	t.Parallel()
	var n network
	l := NewLog()
	func() {
		defer func() { recover() }()
		l.Do(t.Context(), func() (Reply, Entry, error) { panic("broken") }, Request{})
	}()
	l.Rewind()
	if _, _, err, replayed := l.Do(t.Context(), n.send(Reply{}, nil), Request{}); err != nil || replayed {
		t.Errorf("replayed %v, error %v", replayed, err)
	}
}

// Whatever requests a run makes, in whatever order its repetition makes them,
// each is sent once and occurrence n gets reply n.
func TestLogProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		paths := rapid.SliceOf(rapid.SampledFrom([]string{"a", "b", "c"})).Draw(t, "requests")
		order := rapid.Permutation(paths).Draw(t, "order of the repetition")
		var n network
		l := NewLog()
		run := func(paths []string) map[string][]string {
			got := make(map[string][]string)
			for _, path := range paths {
				reply, _, _, _ := l.Do(context.Background(), n.send(Reply{}, nil), Request{URL: path})
				got[path] = append(got[path], reply.StatusText)
			}
			return got
		}
		first := run(paths)
		l.Rewind()
		if diff := cmp.Diff(first, run(order)); diff != "" {
			t.Errorf("the repetition got other replies:\n%s", diff)
		}
		if n.sent != len(paths) {
			t.Errorf("%d sent, want %d", n.sent, len(paths))
		}
	})
}

func TestLogConcurrently(t *testing.T) {
	t.Parallel()
	var n network
	l := NewLog()
	for range 3 {
		var all sync.WaitGroup
		for i := range 60 {
			all.Go(func() {
				l.Do(t.Context(), n.send(Reply{}, nil), Request{URL: fmt.Sprint(i % 3)})
			})
		}
		all.Wait()
		l.Rewind()
	}
	if n.sent != 60 {
		t.Errorf("%d sent, want 60", n.sent)
	}
}
