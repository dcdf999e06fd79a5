package egress

import (
	"context"
	"net/http"
	"time"
)

// Credentials put secrets that a charm does not hold itself into its requests, on
// their way to hosts that may have them. They are asked anew at every hop, up to the
// first to which nothing was lent: where that host leads on, it must not make the
// charm's account act.
type Credentials interface {
	// Lend puts into out what the request's connection, "" for none, and the
	// stand-ins in it stand for, if out's host may have that. It returns nil when
	// nothing was lent. An error is a *Withheld; nothing is sent then.
	Lend(ctx context.Context, connection string, out *Outgoing) (Loan, error)
}

// Outgoing is one hop's request as it is about to be sent.
type Outgoing struct {
	Host   string // canonical, without the port
	Port   uint16
	Secure bool // over TLS
	First  bool // no redirect led here
	Query  string
	Header http.Header // its own copy
	Body   []byte      // to be replaced, never changed in place
}

// Loan is what was lent to one request.
type Loan interface {
	// Judge is told what the host answered. again: the secret was out of date and
	// the request may be sent once more. An error is a *Withheld.
	Judge(ctx context.Context, status int, header http.Header, body []byte) (again bool, err error)
	// Scrub takes the secret out of a text that came back.
	Scrub(text []byte) []byte
}

// Withheld is why a secret was not lent.
type Withheld struct {
	Message   string    // one line, without the secret
	Reconnect bool      // a person must connect the account again
	NotBefore time.Time // the provider is not asked before; zero when it is not that
}

func (w *Withheld) Error() string { return w.Message }

// withheld is err of Credentials for a request to t.
func (x *exchange) withheld(t target, err error) *Error {
	w, ok := err.(*Withheld)
	switch {
	case !ok:
		return newError(CodeCanceled, t.name(), "the account's token could not be had: %v", err)
	case w.Reconnect:
		return newError(CodeReconnect, "", "%s", w.Message)
	case !w.NotBefore.IsZero():
		x.entry.NotBefore = storable(w.NotBefore)
		return newError(CodeHeldOff, "", "%s", w.Message)
	}
	return newError(CodeBlocked, t.name(), "refused: %s", w.Message)
}

// visitWith makes one hop with what the charm's credentials lend to it. A host that
// says that the token is out of date is asked once more with a new one. No place is
// held meanwhile: the token may come from the same host.
func (x *exchange) visitWith(ctx context.Context, t target, transport http.RoundTripper) (hop, *Error) {
	for again := true; ; {
		out := &Outgoing{
			Host: t.host, Port: t.port, Secure: t.url.Scheme == "https", First: len(x.entry.Via) == 0,
			Query: t.url.RawQuery, Header: x.header.Clone(), Body: x.body,
		}
		var loan Loan
		if x.credentials != nil && !x.strayed {
			var err error
			if loan, err = x.credentials.Lend(ctx, x.connection, out); err != nil {
				return hop{}, x.withheld(t, err)
			}
			x.strayed = loan == nil
		}
		h, err := x.visitOutside(ctx, t, transport, out)
		if loan == nil || err != nil {
			return h, err
		}
		more, judged := loan.Judge(ctx, h.reply.Status, h.header, h.reply.Body)
		if judged != nil {
			return hop{}, x.withheld(t, judged)
		}
		if !more || !again {
			return h.scrubbed(loan), nil
		}
		again = false
	}
}

// scrubbed is the reply without what was lent.
func (h hop) scrubbed(loan Loan) hop {
	clean := func(s string) string { return string(loan.Scrub([]byte(s))) }
	h.location = clean(h.location)
	h.reply.Body = loan.Scrub(h.reply.Body)
	for i := range h.reply.Headers {
		h.reply.Headers[i][1] = clean(h.reply.Headers[i][1])
	}
	return h
}
