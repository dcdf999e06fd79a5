// Package client speaks the memory protocol to a toolshed (memory spec §7): it
// queries, commits and subscribes in any number of spaces over one connection. It
// exists so that nobody above it has to think about connections: they are made
// again by themselves, views catch up without a gap, and of a transaction whose
// answer was lost the toolshed is asked what became of it.
package client

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/memory/frames"
)

// Options say which toolshed is meant.
type Options struct {
	URL string // http or https, without the path of the memory
	// Changed is told when the connection is there (nil), and once each time that it
	// is lost or cannot be made, with a *charm.Error of code unavailable. It must not
	// block. Nil tells nobody.
	Changed func(err error)
	// Transport makes the connection; nil is the network, without proxies.
	Transport http.RoundTripper
}

// Client is a connection to one toolshed that is made again whenever it is lost.
// Any number of goroutines may use it.
type Client struct {
	base    string
	address string
	http    *http.Client
	changed func(error)
	room    *semaphore.Weighted // for the bytes of calls that have no answer yet

	life    context.Context
	end     context.CancelFunc
	done    chan struct{} // closed when nothing runs any more
	pending chan struct{} // wakes the writer: something is to be sent

	mu      sync.Mutex
	up      bool
	down    error // why there is no connection
	last    int64 // number of the last call
	outbox  []*call
	unheard map[string]*call // sent and not answered, by job
	subs    []*Subscription  // in the order they were made
}

// maxUnanswered is how many bytes of requests may wait for answers, and
// leastWeight what the smallest counts for, so that at most a thousand do.
const (
	maxUnanswered = frames.MaxBytes
	leastWeight   = maxUnanswered / 1024
)

// New makes a client and begins to connect. Whoever is not there yet is waited
// for by the calls, as long as their contexts let them. Close it.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, charm.Errorf(charm.CodeUsage, "%q is not the address of a toolshed", o.URL).
			WithHint("allowed: an http or https address, such as http://127.0.0.1:8000")
	}
	base := strings.TrimRight(o.URL, "/")
	if o.Transport == nil {
		o.Transport = &http.Transport{DialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext}
	}
	c := &Client{
		base: base, address: base + frames.Path, changed: o.Changed, room: semaphore.NewWeighted(maxUnanswered),
		http: &http.Client{Transport: o.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		done: make(chan struct{}), pending: make(chan struct{}, 1), unheard: map[string]*call{},
		down: fmt.Errorf("the toolshed at %s has not answered yet", base),
	}
	c.life, c.end = context.WithCancel(context.Background())
	go c.run()
	return c, nil
}

// Close ends the connection and every call and subscription. It returns when
// nothing of the client runs any more.
func (c *Client) Close() {
	c.end()
	<-c.done
}

// Space is one space of the toolshed, used in the name of a key.
type Space struct {
	client *Client
	did    string
	key    *identity.Key
}

// Space is the space with a DID; key signs what is done in it.
func (c *Client) Space(did string, key *identity.Key) *Space { return &Space{c, did, key} }

// DID names the space.
func (s *Space) DID() string { return s.did }

// Query reads the current facts that are selected, in the order the toolshed
// gives them; of a place that nothing was ever written to there is none.
func (s *Space) Query(ctx context.Context, sel Selection) ([]Fact, error) {
	k := s.call(frames.Query, sel.args())
	k.repeat = true
	ok, err := s.client.do(ctx, k)
	if err != nil {
		return nil, err
	}
	return s.readQuery(ok)
}

// Read reads the current fact of one place; its Ref is zero when there is none.
func (s *Space) Read(ctx context.Context, p Place) (Fact, error) {
	facts, err := s.Query(ctx, Selection{p})
	if err != nil || len(facts) == 0 {
		return Fact{Place: p}, err
	}
	return facts[0], nil
}

func (s *Space) readQuery(ok any) (facts []Fact, err error) {
	found := objectOf(ok, s.did)
	if found == nil {
		return nil, s.client.strange(fmt.Errorf("a query's answer is not about the space"))
	}
	err = eachChange(found, func(Place) bool { return true }, func(f Fact) { facts = append(facts, f) })
	if err != nil {
		return nil, s.client.strange(err)
	}
	return facts, nil
}

// jitter is in [0, 1).
func jitter() float64 { return rand.Float64() }

// dialTimeout is how long a connection may take to be made, its handshake included.
const dialTimeout = 10 * time.Second
