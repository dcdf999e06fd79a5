package egress

import (
	"context"
	"crypto/x509"
	"maps"
	"net"
	"strings"
	"time"

	"charmd/internal/charm"
)

// Options configure a Client.
type Options struct {
	Limits     Limits
	AllowHosts []string            // "host" (ports 80 and 443) or "host:port": destinations open to every charm, private or not
	Local      LocalFunc           // answers requests to Origins; nil refuses them
	Origins    []string            // the toolshed's own, "http://127.0.0.1:8000"; loopback names count as one host
	UserAgent  string              // of requests that name none; default "charmd"
	Resolver   *net.Resolver       // nil: the system's
	Now        func() time.Time    // wall clock, of what is kept from one request to the next; nil: the system's
	RootCAs    *x509.CertPool      // nil: the system's
	Proxy      *Proxy              // what goes outside goes by it; nil: by none, whatever the environment says
	Hosts      []charm.Host        // that were not to be asked, from an earlier Client
	Consent    Consent             // what happens when a charm asks a host for the first time; "" is ConsentOff
	Contacts   []charm.Contact     // from an earlier Client
	Contacted  func(charm.Contact) // told of such a host, once; nil tells nobody
	Ended      func(Entry)         // told of every request when it has ended, on its goroutine; nil tells nobody
}

// DefaultUserAgent is sent when neither the charm nor Options name another.
const DefaultUserAgent = "charmd"

// Client carries out the requests of all charms. It is safe for concurrent use.
type Client struct {
	limits    Limits
	allow     allowList
	local     LocalFunc
	origins   map[origin]bool
	userAgent string
	ended     func(Entry)
	now       func() time.Time
	guard     guard
	proxy     *Proxy
	places    *places
	pace      *pace
	breaker   *breaker
	contacts  *contacts

	// Two transports, because connections are pooled: one opened for a charm
	// that may reach a private host must never serve a charm that may not.
	guarded way
	open    way
}

// New returns a Client. An entry of AllowHosts or Origins that cannot be
// understood is a *charm.Error that names it.
func New(o Options) (*Client, error) {
	return newClient(o, newGuard([]uint16{80, 443}))
}

// Own adds one of the toolshed's own origins, which may not have been known to New:
// a port that the system chooses. It is called before any request is made.
func (c *Client) Own(addresses ...string) error {
	more, err := parseOrigins(addresses)
	maps.Copy(c.origins, more)
	return err
}

func newClient(o Options, g guard) (*Client, error) {
	allow, err := parseAllowList(o.AllowHosts)
	if err != nil {
		return nil, err
	}
	origins, err := parseOrigins(o.Origins)
	if err != nil {
		return nil, err
	}
	if o.UserAgent == "" {
		o.UserAgent = DefaultUserAgent
	}
	if o.Ended == nil {
		o.Ended = func(Entry) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	limits := o.Limits.withDefaults()
	return &Client{
		limits:    limits,
		allow:     allow,
		local:     o.Local,
		origins:   origins,
		userAgent: o.UserAgent,
		ended:     o.Ended,
		now:       o.Now,
		guard:     g,
		proxy:     o.Proxy,
		places:    newPlaces(limits.PerHost),
		pace:      newPace(limits.PerSecond),
		breaker:   newBreaker(o.Hosts, o.Now()),
		contacts:  newContacts(o),
		guarded:   newWay(o, limits, g, g.check),
		open:      newWay(o, limits, g, g.checkNetwork),
	}, nil
}

// Close drops the connections that are kept for later requests.
func (c *Client) Close() {
	c.guarded.CloseIdleConnections()
	c.open.CloseIdleConnections()
}

// Hosts lists the hosts that are not asked for a while, or are about to be tried
// again.
func (c *Client) Hosts() []charm.Host { return c.breaker.held(c.now()) }

// ResetHost lets a host, "host:port" or "host" for all its ports, be asked again
// at once. It reports whether it was not to be.
func (c *Client) ResetHost(name string) bool {
	name = strings.ToLower(name)
	return c.breaker.reset(func(host string) bool {
		return host == name || strings.HasPrefix(host, name+":")
	}) > 0
}

// SaveHosts writes what has changed of Hosts and Contacts since it was last on disk.
// What a charm met in passed, a trial that ended well, it may ask from then on; nil
// is none.
func (c *Client) SaveHosts(k Keeper, passed *Trial) error {
	if err := c.breaker.save(k); err != nil {
		return err
	}
	return c.contacts.save(k, passed)
}

// Do carries out req under the client's rules and p. The Entry is always filled
// in. A failure is an *Error; a reply with any HTTP status is not a failure.
func (c *Client) Do(ctx context.Context, p Policy, req Request) (Reply, Entry, error) {
	start := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, c.limits.TotalTimeout, errTotalTimeout)
	defer cancel()

	own := lenientAllowList(p.AllowHosts)
	x := &exchange{
		client: c,
		caller: caller{p.Space, p.Charm},
		trial:  p.Trial,
		turn:   p.Turn,
		ours:   p.Ours,
		own:    own,
		allow:  append(c.allow[:len(c.allow):len(c.allow)], own...),
		entry:  Entry{Method: req.Method},

		credentials: p.Credentials, connection: req.Connection,
	}
	defer func() { c.ended(x.entry) }()
	reply, err := x.run(ctx, req)
	x.entry.Elapsed = time.Since(start)
	if err != nil {
		x.entry.Verdict = err.Code.verdict()
		x.entry.Error = err.Message
		return Reply{}, x.entry, err
	}
	reply.Elapsed = x.entry.Elapsed
	return reply, x.entry, nil
}
