package oauth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
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
	if err := l.standIn(ctx, out, loan); err != nil {
		return nil, err
	}
	if len(loan.lent) == 0 {
		return nil, nil
	}
	// A part of a reply may hold a part of the token, which Scrub does not know.
	out.Header.Del("Range")
	out.Header.Del("If-Range")
	return loan, nil
}

// named adds the header of the account that the charm was connected to by that name.
func (l lender) named(ctx context.Context, name string, out *egress.Outgoing, loan *loan) error {
	p, err := l.accounts.Provider(name)
	if err != nil {
		return &egress.Withheld{Message: err.Error()}
	}
	switch {
	case out.Secure && p.may(out):
	case out.First:
		return &egress.Withheld{Message: fmt.Sprintf("the connection %q is for https requests to %s alone", name, strings.Join(p.Hosts, ", "))}
	default:
		return nil // it was redirected to an address that must not have the token
	}
	mine := l.accounts.of(func(c charm.Connection) bool {
		return c.Space == l.charm.Space && c.Charm == l.charm.ID && c.Provider == name
	})
	if len(mine) == 0 {
		return notConnected(p)
	}
	if out.Header.Get("Authorization") != "" {
		return nil // the recipe's own
	}
	part, err := l.borrow(ctx, mine[0].ID, loan)
	switch {
	case errors.Is(err, ErrGone): // since it was looked for
		return notConnected(p)
	case err == nil:
		out.Header.Set("Authorization", part.kind+" "+part.token)
	}
	return err
}

func notConnected(p Provider) error {
	return &egress.Withheld{Message: fmt.Sprintf("it is not connected to a %s account", p.Title), Reconnect: true}
}

// authorization is the one form in which a stand-in is replaced: what hosts take for a
// token, and do not store or repeat. Anywhere else a charm could have a host keep the
// token for it, and read it there.
var authorization = regexp.MustCompile(`^(?i:Bearer|token) +(` + accessStandIn + `([A-Z2-7]{26}))$`)

// standIn puts the token in the place of the stand-in in the request's Authorization, if
// its host may have that. Others are sent as they are: they are of no use there.
func (l lender) standIn(ctx context.Context, out *egress.Outgoing, loan *loan) error {
	values := out.Header["Authorization"]
	if !out.Secure || len(values) != 1 {
		return nil
	}
	m := authorization.FindStringSubmatch(values[0])
	if m == nil {
		return nil
	}
	p, ok := l.provider(m[2], out)
	if !ok {
		return nil
	}
	part, err := l.borrow(ctx, m[2], loan)
	switch {
	case errors.Is(err, ErrGone):
		return &egress.Withheld{Reconnect: true, Message: fmt.Sprintf(
			"the %s account in its cell is not connected here: it was disconnected, or another charmd has it", p.Title)}
	case err == nil:
		values[0] = strings.TrimSuffix(values[0], m[1]) + part.token
	}
	return err
}

// provider is whose address the request goes to, if the charm may use a connection for
// it: it is of the charm's space and that provider's, or is not known here at all.
func (l lender) provider(id string, out *egress.Outgoing) (Provider, bool) {
	if _, conn, ok := l.accounts.account(id); ok {
		p, err := l.accounts.Provider(conn.Provider)
		return p, err == nil && conn.Space == l.charm.Space && p.may(out)
	}
	for _, name := range slices.Sorted(maps.Keys(l.accounts.o.Providers)) {
		if p := l.accounts.o.Providers[name]; p.may(out) {
			return p, true
		}
	}
	return Provider{}, false
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
			if errors.Is(err, ErrGone) {
				continue
			}
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
	ctx = context.WithoutCancel(ctx)
	if err := a.saveLate(ctx, acc); err != nil {
		return err
	}
	t, conn, err := a.read(ctx, acc)
	if errors.Is(err, ErrGone) {
		return nil // what the host answered is the charm's to read
	}
	if err != nil {
		return err
	}
	p, err := a.Provider(conn.Provider)
	if err != nil {
		return err
	}
	t.Lacking = true
	return a.lose(ctx, acc, p, t, lacking(p, conn))
}

// Scrub implements egress.Loan: hosts that repeat the token as it stands give the charm
// its stand-in. It is no wall: a host could repeat it in another form.
func (l *loan) Scrub(text []byte) []byte {
	for _, part := range l.lent {
		if part.token != "" && bytes.Contains(text, []byte(part.token)) {
			text = bytes.ReplaceAll(text, []byte(part.token), []byte(accessStandIn+part.id))
		}
	}
	return text
}
