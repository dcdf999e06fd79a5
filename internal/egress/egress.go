// Package egress is the only door out of charmd. A charm's code has no network
// of its own: what it fetches is carried out here, in the parent process, under
// one set of rules. Private addresses are refused after name resolution on
// every hop, sizes and times are bounded, hosts that fail or ask to be left alone
// are not asked for a while, and each request leaves one row for the ledger. Requests to the toolshed's own origins never become connections;
// they are answered in process. HTTP/2 is not offered: a background fetch gains
// nothing from multiplexing, and the protocol's flood attacks fall away.
package egress

import (
	"cmp"
	"context"
	"time"
)

// Request is one fetch of a charm.
type Request struct {
	Method   string      // "" is GET
	URL      string      // absolute, http or https
	Headers  [][2]string // name, value; names repeat for several values
	Body     []byte      // nil: no body
	Redirect string      // RedirectFollow ("" too), RedirectManual or RedirectError

	// Connection names the account whose credentials the request carries; "" for none.
	Connection string
}

// What is done with a reply that redirects.
const (
	RedirectFollow = "follow" // go where it points, Limits.Redirects times at most
	RedirectManual = "manual" // the redirecting reply itself is the result
	RedirectError  = "error"  // the request fails with CodeRedirects
)

// Reply is what came back.
type Reply struct {
	Status     int
	StatusText string
	URL        string      // the last one, without fragment
	Headers    [][2]string // lower-case names in alphabetical order
	Redirected bool
	Body       []byte // decompressed
	Elapsed    time.Duration
}

// Policy is what one charm may do beyond the rules for everybody.
type Policy struct {
	AllowHosts []string // as Options.AllowHosts; an entry that does not parse allows nothing
	Space      string   // DID of its space
	Charm      string   // its id: what a host answers it is held against it alone
	Ours       bool     // not a charm but the service decides what is asked: no host is new, and none answered in process
	Trial      *Trial   // it is being tried out; nil when it is not
	Turn       *Turn    // of the request among those of its run; nil has no bounds. The caller ends it

	Credentials Credentials // nil lends nothing
}

// Limits bound one request. A zero field takes its default.
type Limits struct {
	ConnectTimeout time.Duration // name resolution and connection; TLS has as long again
	HeaderTimeout  time.Duration // from the request sent to the last response header
	TotalTimeout   time.Duration // everything: waiting for a place, redirects, body
	BodyBytes      int64         // of the reply, after decompression
	RequestBytes   int64         // of the request's body
	HeaderBytes    int64         // of the request's and of the reply's headers, each
	Redirects      int           // followed at most; negative: none
	PerHost        int           // requests under way to one host
	PerSecond      int           // requests to one host a second, of all charms
}

// DefaultLimits are the limits of a charm's request.
func DefaultLimits() Limits {
	return Limits{
		ConnectTimeout: 10 * time.Second,
		HeaderTimeout:  15 * time.Second,
		TotalTimeout:   60 * time.Second,
		BodyBytes:      16 << 20,
		RequestBytes:   4 << 20,
		HeaderBytes:    64 << 10,
		Redirects:      5,
		PerHost:        6,
		PerSecond:      100,
	}
}

// Within is l with no time longer than d.
func (l Limits) Within(d time.Duration) Limits {
	l.ConnectTimeout, l.HeaderTimeout, l.TotalTimeout = min(l.ConnectTimeout, d), min(l.HeaderTimeout, d), min(l.TotalTimeout, d)
	return l
}

// withDefaults fills the fields left zero.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	l.ConnectTimeout = cmp.Or(l.ConnectTimeout, d.ConnectTimeout)
	l.HeaderTimeout = cmp.Or(l.HeaderTimeout, d.HeaderTimeout)
	l.TotalTimeout = cmp.Or(l.TotalTimeout, d.TotalTimeout)
	l.BodyBytes = cmp.Or(l.BodyBytes, d.BodyBytes)
	l.RequestBytes = cmp.Or(l.RequestBytes, d.RequestBytes)
	l.HeaderBytes = cmp.Or(l.HeaderBytes, d.HeaderBytes)
	l.Redirects = cmp.Or(l.Redirects, d.Redirects)
	l.PerHost = cmp.Or(l.PerHost, d.PerHost)
	l.PerSecond = cmp.Or(l.PerSecond, d.PerSecond)
	return l
}

// LocalFunc answers a request of a charm, whose space and id p names, to one of
// the toolshed's own origins in process.
// False means that there is nothing at this address for a charm; the request is
// then refused like one to a private address.
type LocalFunc func(ctx context.Context, p Policy, req Request) (Reply, bool)
