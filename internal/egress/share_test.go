package egress

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// Row 11: a run may make a thousand requests, to as many hosts. What of them is in the
// service's memory at once has bounds all the same.
func TestFault11_RequestsOfOneRunAtOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now, most := 0, 0
	arrived, goOn := make(chan bool, 100), make(chan bool)
	_, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		arrived <- true
		<-goOn
		mu.Lock()
		now--
		mu.Unlock()
	})
	hosts := map[string][]string{}
	for i := range 40 {
		hosts[fmt.Sprintf("h%d.test", i)] = []string{publicIP}
	}
	client := clientFor(t, Options{Resolver: startNameServer(t, hosts).resolver()}, port)
	share := NewShare()
	var all sync.WaitGroup
	for name := range hosts {
		all.Go(func() {
			turn := share.Turn()
			defer turn.End()
			if _, _, err := client.Do(t.Context(), Policy{Turn: turn}, Request{URL: "http://" + name + ":" + itoa(port)}); err != nil {
				t.Error(err)
			}
		})
	}
	for range mostUnderWay {
		<-arrived
	}
	other := make(chan error)
	go func() { // a run beside it
		_, _, err := client.Do(t.Context(), Policy{Turn: NewShare().Turn()}, Request{URL: "http://h1.test:" + itoa(port) + "/other"})
		other <- err
	}()
	<-arrived
	close(goOn)
	if err := <-other; err != nil {
		t.Error(err)
	}
	all.Wait()
	if most > mostUnderWay+1 || share.sending != 0 || len(share.places) != 0 {
		t.Errorf("%d requests were under way, afterwards %d bytes and %d places are taken", most, share.sending, len(share.places))
	}
}

func TestFault11_BodiesOfOneRunAtOnce(t *testing.T) {
	t.Parallel()
	arrived, goOn := make(chan bool, 10), make(chan bool)
	base, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {
		arrived <- true
		<-goOn
	})
	client := clientFor(t, Options{}, port)
	share, body := NewShare(), make([]byte, 4<<20)
	ask := func(s *Share) (Entry, error) {
		turn := s.Turn()
		defer turn.End()
		_, entry, err := client.Do(t.Context(), Policy{Turn: turn}, Request{Method: "POST", URL: base, Body: body})
		return entry, err
	}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if _, err := ask(share); err != nil {
				t.Error(err)
			}
		})
	}
	for range 3 {
		<-arrived
	}
	share.mu.Lock()
	share.sending += 4 << 20
	share.mu.Unlock()
	entry, err := ask(share)
	if e := wantCode(t, err, entry, CodeLimit); !strings.Contains(e.Message, "hold more than 16 MiB") {
		t.Errorf("%q does not say why", e.Message)
	}
	all.Go(func() {
		if _, err := ask(NewShare()); err != nil {
			t.Error(err)
		}
	})
	<-arrived
	close(goOn)
	all.Wait()
}

// There is one large reply at a time, until the worker has it; small ones pass it.
func TestFault11_LargeRepliesOfOneRunAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		share := NewShare()
		text := bytes.Repeat([]byte("x"), smallBody+10)
		read := func(text []byte) (turn *Turn, done chan int) {
			turn, done = share.Turn(), make(chan int, 1)
			go func() {
				data, err := turn.read(t.Context(), bytes.NewReader(text), 2*smallBody)
				if err != nil {
					t.Error(err)
				}
				done <- len(data)
			}()
			synctest.Wait()
			return turn, done
		}
		first, one := read(text)
		_, two := read(text)
		small, three := read(text[:smallBody-1])
		if len(one) != 1 || len(two) != 0 || len(three) != 1 {
			t.Errorf("of two large replies %d and %d have been read, of the small one %d", len(one), len(two), len(three))
		}
		small.End()
		synctest.Wait()
		if len(two) != 0 {
			t.Error("the end of the small one has made room")
		}
		first.End()
		if a, b := <-one, <-two; a != len(text) || b != len(text) {
			t.Errorf("%d and %d bytes were read", a, b)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if _, err := share.Turn().read(ended, bytes.NewReader(text), 2*smallBody); !errors.Is(err, context.Canceled) {
			t.Errorf("when the run has ended: %v", err)
		}
	})
}

// largeReplies is a host that answers with more than a small body.
type largeReplies struct{ way }

func (largeReplies) RoundTrip(req *http.Request) (*http.Response, error) {
	body := io.NopCloser(bytes.NewReader(make([]byte, smallBody+1)))
	return &http.Response{StatusCode: http.StatusOK, Request: req, Header: http.Header{}, Body: body, ContentLength: smallBody + 1}, nil
}

// A large reply whose time is over while it waits for another one of its run says nothing
// of its host, which has done all it should.
func TestFault12_LargeRepliesThatWaitedAreNotTheirHostsFault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := clientFor(t, Options{})
		client.guarded = largeReplies{client.guarded}
		share := NewShare()
		share.large <- struct{}{} // one that does not end
		for range tolerated + 1 {
			turn := share.Turn()
			_, entry, err := client.Do(t.Context(), Policy{Turn: turn}, Request{URL: "http://example.com"})
			turn.End()
			if e := wantCode(t, err, entry, CodeLimit); !e.Retryable || !strings.Contains(e.Message, "no place for a reply larger than 1 MiB beside others of this run") {
				t.Errorf("%+v", e)
			}
		}
		if held := client.Hosts(); len(held) > 0 || len(share.places) > 0 || len(share.large) != 1 {
			t.Errorf("held off: %+v; %d places are taken, %d for large replies", held, len(share.places), len(share.large))
		}
	})
}
