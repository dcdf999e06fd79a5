package oauth

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"charmd/internal/charm"
	"charmd/internal/egress"
)

// Credentials are what the connections of a charm's space lend to its requests.
func (a *Accounts) Credentials(c charm.Charm) egress.Credentials { return lender{a, c} }

type lender struct {
	accounts *Accounts
	charm    charm.Charm
}

// inTime is for how long a token must be good when a request is sent.
const inTime = time.Minute

// Lend implements egress.Credentials.
func (l lender) Lend(ctx context.Context, connection string, out *egress.Outgoing) (egress.Loan, error) {
	loan := &loan{accounts: l.accounts}
	if connection != "" {
		if err := l.named(ctx, connection, out, loan); err != nil {
			return nil, err
		}
	}
	if err := l.standIns(ctx, out, loan); err != nil {
		return nil, err
	}
	if len(loan.lent) == 0 {
		return nil, nil
	}
	return loan, nil
}

// named adds the header of the account that the charm was connected to by that name.
func (l lender) named(ctx context.Context, name string, out *egress.Outgoing, loan *loan) error {
	p, err := l.accounts.Provider(name)
	if err != nil {
		return &egress.Withheld{Message: err.Error()}
	}
	switch {
	case out.Secure && p.may(out.Host, out.Port):
	case out.First:
		return &egress.Withheld{Message: fmt.Sprintf("the connection %q is for https requests to %s alone", name, strings.Join(p.Hosts, ", "))}
	default:
		return nil // it was redirected to a host that must not have the token
	}
	mine := l.accounts.of(func(c charm.Connection) bool {
		return c.Space == l.charm.Space && c.Charm == l.charm.ID && c.Provider == name
	})
	if len(mine) == 0 {
		return &egress.Withheld{Message: fmt.Sprintf("it is not connected to a %s account", p.Title), Reconnect: true}
	}
	if out.Header.Get("Authorization") != "" {
		return nil // the recipe's own
	}
	part, err := l.borrow(ctx, mine[0].ID, loan)
	if err == nil {
		out.Header.Set("Authorization", part.kind+" "+part.token)
	}
	return err
}

// standIns puts tokens in the place of the stand-ins in the request, as far as
// its host may have them. Others are sent as they are: they are of no use there.
func (l lender) standIns(ctx context.Context, out *egress.Outgoing, loan *loan) error {
	if !out.Secure {
		return nil
	}
	var err error
	swap := func(text []byte, escape bool) []byte {
		if !bytes.Contains(text, []byte(accessStandIn)) {
			return text
		}
		return standIn.ReplaceAllFunc(text, func(found []byte) []byte {
			id := strings.TrimPrefix(string(found), accessStandIn)
			if err != nil || !l.lends(id, out) {
				return found
			}
			var part lent
			if part, err = l.borrow(ctx, id, loan); err != nil {
				return found
			}
			if escape {
				return []byte(url.QueryEscape(part.token))
			}
			return []byte(part.token)
		})
	}
	for _, values := range out.Header {
		for i, v := range values {
			values[i] = string(swap([]byte(v), false))
		}
	}
	out.Query = string(swap([]byte(out.Query), true))
	out.Body = swap(out.Body, false)
	return err
}

// lends reports whether the charm may use the connection for the request: it is of
// its space, and the host is its provider's.
func (l lender) lends(id string, out *egress.Outgoing) bool {
	_, conn, ok := l.accounts.account(id)
	if !ok || conn.Space != l.charm.Space {
		return false
	}
	p, err := l.accounts.Provider(conn.Provider)
	return err == nil && p.may(out.Host, out.Port)
}

func (l lender) borrow(ctx context.Context, id string, loan *loan) (lent, error) {
	for _, part := range loan.lent {
		if part.id == id {
			return part, nil
		}
	}
	acc, _, ok := l.accounts.account(id)
	if !ok {
		return lent{}, ErrGone
	}
	t, conn, err := l.accounts.fresh(ctx, acc, inTime, "")
	if err != nil {
		return lent{}, err
	}
	part := lent{id: conn.ID, token: t.Access, kind: t.Type}
	loan.lent = append(loan.lent, part)
	return part, nil
}

// lent is one token in a request.
type lent struct{ id, token, kind string }

// loan is the tokens in one request.
type loan struct {
	accounts *Accounts
	lent     []lent
}

// Judge implements egress.Loan: a 401 makes the tokens refreshed, and a permission
// that was not given is a person's to give.
func (l *loan) Judge(ctx context.Context, status int, header http.Header, body []byte) (again bool, err error) {
	for _, part := range l.lent {
		acc, _, ok := l.accounts.account(part.id)
		if !ok {
			continue
		}
		switch {
		case status == http.StatusUnauthorized:
			t, _, err := l.accounts.fresh(ctx, acc, inTime, part.token)
			if err != nil {
				return false, err
			}
			again = again || t.Access != part.token
		case status == http.StatusForbidden && lacksScope(header, body):
			return false, l.accounts.loseScope(ctx, acc)
		}
	}
	return again, nil
}

// lacksScope reports whether a reply says that the token lacks a permission, by
// RFC 6750 or in Google's words.
func lacksScope(header http.Header, body []byte) bool {
	return strings.Contains(header.Get("WWW-Authenticate"), "insufficient_scope") || bytes.Contains(body, []byte("ACCESS_TOKEN_SCOPE_INSUFFICIENT"))
}

func (a *Accounts) loseScope(ctx context.Context, acc *account) error {
	if err := acc.lock(ctx); err != nil {
		return err
	}
	defer acc.unlock()
	t, conn, err := a.read(ctx, acc)
	if err != nil {
		return err
	}
	p, err := a.Provider(conn.Provider)
	if err != nil {
		return err
	}
	t.Lacking = true
	return a.lose(context.WithoutCancel(ctx), acc, p, t, lacking(p, conn))
}

// Scrub implements egress.Loan: hosts that repeat the token give the charm its
// stand-in.
func (l *loan) Scrub(text []byte) []byte {
	for _, part := range l.lent {
		if part.token != "" && bytes.Contains(text, []byte(part.token)) {
			text = bytes.ReplaceAll(text, []byte(part.token), []byte(accessStandIn+part.id))
		}
	}
	return text
}
