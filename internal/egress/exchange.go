package egress

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"
)

// exchange is one Request on its way: the hops it has made and what it still
// sends at the next.
type exchange struct {
	client  *Client
	caller  caller
	ours    bool
	trial   *Trial
	turn    *Turn
	own     allowList // opened to the charm itself
	allow   allowList // and to all
	mode    string    // Request.Redirect
	method  string
	header  http.Header
	body    []byte
	outside bool // a hop has gone over the network
	entry   Entry

	credentials Credentials // nil: the charm has none
	connection  string      // Request.Connection
	strayed     bool        // a hop has gone where nothing was lent
}

// hop is what one destination answered.
type hop struct {
	reply    Reply
	header   http.Header   // of the reply
	location string        // where it redirects to; "" when it does not
	wait     time.Duration // how long it asks to be left alone
	quota    bool          // it says so by a quota that is used up
}

func (x *exchange) run(ctx context.Context, req Request) (Reply, *Error) {
	if len(req.URL) <= maxURLBytes {
		x.entry.URL = redactURL(req.URL)
	}
	t, err := parseTarget(req.URL)
	if err != nil {
		x.entry.Host = err.Host
		return Reply{}, err
	}
	x.entry.Host = t.name()
	if err := x.prepare(req, t); err != nil {
		return Reply{}, err
	}
	switch ok, tooMuch := x.turn.begin(ctx, req); {
	case tooMuch:
		err := newError(CodeLimit, t.name(), "the requests of this run that are under way hold more than %d MiB; await some of them first", mostSending>>20)
		err.Retryable = true
		return Reply{}, err
	case !ok:
		return Reply{}, x.noPlace(ctx, t, "among the %d requests under way of this run", mostUnderWay)
	}
	for redirects := 0; ; redirects++ {
		h, err := x.visit(ctx, t)
		if err != nil {
			return Reply{}, err
		}
		if h.location == "" || x.mode == RedirectManual {
			h.reply.URL = t.url.String()
			h.reply.Redirected = redirects > 0
			return h.reply, nil
		}
		if x.mode == RedirectError {
			return Reply{}, newError(CodeRedirects, t.name(), "it answered with a redirect, which the request forbids")
		}
		if redirects >= x.client.limits.Redirects {
			return Reply{}, newError(CodeRedirects, t.name(), "more than %d redirects", max(x.client.limits.Redirects, 0))
		}
		next, err := t.resolve(h.location)
		if err != nil {
			x.entry.Via = append(x.entry.Via, t.name())
			x.entry.Host = err.Host
			return Reply{}, err
		}
		x.redirect(h.reply.Status, t, next)
		x.entry.Via = append(x.entry.Via, t.name())
		x.entry.Host = next.name()
		t = next
	}
}

// prepare checks what is the same at every hop.
func (x *exchange) prepare(req Request, t target) *Error {
	method, ok := normalMethod(req.Method)
	if !ok {
		return newError(CodeProtocol, t.name(), "%q is not a method that can be sent", clip(req.Method, 32))
	}
	x.method, x.entry.Method = method, method
	switch req.Redirect {
	case "", RedirectFollow, RedirectManual, RedirectError:
		x.mode = req.Redirect
	default:
		return newError(CodeProtocol, t.name(), "%q is not a redirect mode; use follow, manual or error", clip(req.Redirect, 32))
	}
	if int64(len(req.Body)) > x.client.limits.RequestBytes {
		return newError(CodeTooLarge, t.name(), "the request's body is larger than %d bytes", x.client.limits.RequestBytes)
	}
	header, err := requestHeader(req.Headers, x.client.limits.HeaderBytes)
	if err != nil {
		return newError(err.Code, t.name(), "%s", err.reason)
	}
	if header.Get("User-Agent") == "" {
		header.Set("User-Agent", x.client.userAgent)
	}
	x.header, x.body = header, req.Body
	return nil
}

// visit makes one hop.
func (x *exchange) visit(ctx context.Context, t target) (hop, *Error) {
	if !x.ours && x.client.origins[t.origin().folded()] {
		return x.visitLocal(ctx, t)
	}
	transport := x.client.guarded
	switch {
	case x.allow.has(t):
		transport = x.client.open
	case isLocalhost(t.host):
		return hop{}, newError(CodeBlocked, t.name(), "refused: it is this machine; add --allow-host %s opens it to one charm, start --allow-hosts to all", t.name())
	case !x.client.guard.allowsPort(t.port):
		return hop{}, portError(t)
	}
	if !x.ours && !x.own.has(t) && !x.client.contacts.admit(x.client.now(), x.caller, t.name(), x.trial) {
		return hop{}, newError(CodeConsent, t.name(), "not asked: this charm has not asked this host before, and a person has to allow it; charmd contacts lists what waits")
	}
	if ctx.Err() != nil {
		return hop{}, x.client.networkError(ctx, t, context.Cause(ctx))
	}
	host := joinHostPort(t.host, t.port)
	if r := x.client.breaker.refuses(x.client.now(), host, x.caller); r != nil {
		return hop{}, x.heldOff(t, r)
	}
	return x.visitWith(ctx, t, transport)
}

// visitOutside makes one hop over the network when its turn has come.
func (x *exchange) visitOutside(ctx context.Context, t target, transport http.RoundTripper, header http.Header) (hop, *Error) {
	host := joinHostPort(t.host, t.port)
	release, ok := x.client.places.take(ctx, t.host)
	if !ok {
		return hop{}, x.noPlace(ctx, t, "among the %d requests under way to this host", x.client.limits.PerHost)
	}
	defer release()
	if !x.client.pace.wait(ctx, t.host) {
		return hop{}, x.noPlace(ctx, t, "among the %d requests under way to this host", x.client.limits.PerHost)
	}
	pass, r := x.client.breaker.admit(x.client.now(), host, x.caller)
	if r != nil { // since the wait for a place began
		return hop{}, x.heldOff(t, r)
	}
	x.outside = true
	h, err := x.visitRemote(ctx, t, transport, header)
	x.entry.NotBefore = storable(x.client.breaker.settle(x.client.now(), pass, evidenceOf(h, err)))
	return h, err
}

func (x *exchange) heldOff(t target, r *refusal) *Error {
	x.entry.NotBefore = storable(r.Until)
	return heldOff(t, r)
}

// noPlace is the failure of a request whose time was over while it waited for others: it
// says nothing of its host.
func (x *exchange) noPlace(ctx context.Context, t target, where string, most int) *Error {
	err := x.client.networkError(ctx, t, context.Cause(ctx))
	if err.Code == CodeTimeout {
		err = newError(CodeLimit, t.name(), "no place "+where+" within %s", most, x.client.limits.TotalTimeout)
		err.Retryable = true
	}
	return err
}

// visitLocal answers in process. A site outside may not send a charm's request
// there: it would act with rights that the charm did not mean to lend it.
func (x *exchange) visitLocal(ctx context.Context, t target) (hop, *Error) {
	if x.outside {
		return hop{}, newError(CodeBlocked, t.name(), "refused: a site outside redirects to this toolshed")
	}
	refused := newError(CodeBlocked, t.name(), "refused: there is nothing for charms at this address of the toolshed")
	if x.client.local == nil {
		return hop{}, refused
	}
	reply, ok := x.client.local(ctx, Policy{Space: x.caller.space, Charm: x.caller.charm}, Request{
		Method: x.method, URL: t.url.String(), Headers: headerList(x.header), Body: x.body, Redirect: x.mode,
	})
	if !ok {
		return hop{}, refused
	}
	x.entry.Verdict, x.entry.Status = VerdictLocal, reply.Status
	x.entry.BytesOut += int64(len(x.body))
	x.entry.BytesIn += int64(len(reply.Body))
	return hop{reply: reply, location: redirectLocation(reply.Status, func() string {
		for _, h := range reply.Headers {
			if strings.EqualFold(h[0], "location") {
				return h[1]
			}
		}
		return ""
	})}, nil
}

func (x *exchange) visitRemote(ctx context.Context, t target, transport http.RoundTripper, header http.Header) (hop, *Error) {
	// The whole exchange is traced, not the dial: a pooled connection was
	// dialled for an earlier request.
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			x.entry.Address, x.entry.Proxy = info.Conn.RemoteAddr().String(), proxyOf(info.Conn)
		},
	})
	x.entry.Address, x.entry.Proxy = "", ""
	var body io.Reader
	if x.body != nil {
		body = bytes.NewReader(x.body)
	}
	req, err := http.NewRequestWithContext(traced, x.method, t.url.String(), body)
	if err != nil {
		return hop{}, newError(CodeProtocol, t.name(), "the request cannot be sent")
	}
	req.Header = header
	resp, err := transport.RoundTrip(req)
	if x.entry.Address != "" {
		x.entry.BytesOut += int64(len(x.body))
	}
	if err != nil {
		return hop{}, x.client.networkError(ctx, t, err)
	}
	defer resp.Body.Close()
	x.entry.Verdict, x.entry.Status = VerdictSent, resp.StatusCode
	if resp.StatusCode < http.StatusOK { // another protocol, which nobody asked for, or no status at all
		return hop{}, newError(CodeProtocol, t.name(), "the reply has the status %03d, which ends no request", resp.StatusCode)
	}

	h := hop{
		header:   resp.Header,
		location: redirectLocation(resp.StatusCode, func() string { return resp.Header.Get("Location") }),
		wait:     retryAfter(resp.Header, x.client.now()),
	}
	h.reply = Reply{
		Status:     resp.StatusCode,
		StatusText: statusText(resp),
		Headers:    headerList(resp.Header),
	}
	if h.location != "" && x.mode != RedirectManual {
		return h, nil // its body is left unread: it may never end
	}
	data, tooLarge, err := x.readBody(ctx, resp, x.client.limits.BodyBytes)
	x.entry.BytesIn += int64(len(data))
	if tooLarge {
		return hop{}, newError(CodeTooLarge, t.name(), "the reply's body is larger than %d bytes", x.client.limits.BodyBytes)
	}
	if errors.Is(err, errLargeWaits) {
		return hop{}, x.noPlace(ctx, t, "for a reply larger than %d MiB beside others of this run", smallBody>>20)
	}
	if err != nil {
		return hop{}, x.client.networkError(ctx, t, err)
	}
	h.reply.Body = data
	if h.wait == 0 && resp.StatusCode == http.StatusForbidden {
		h.wait = quotaWait(data)
		h.quota = h.wait > 0
	}
	return h, nil
}
