package toolshed

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/oauth"
	"charmd/internal/vault"
)

func (t *Toolshed) accountRoutes() {
	const v1 = "/api/v1"
	t.handle("POST "+v1+"/charms/{space}/{charm}/connect", t.connect)
	t.handle("GET "+v1+"/connections", func(r *http.Request) (any, error) { return t.Connections(r.Context()), nil })
	t.handle("POST "+v1+"/connections", t.finish)
	t.handle("GET "+v1+"/connections/refused", func(*http.Request) (any, error) { return t.refusedAnswers(), nil })
	t.handle("DELETE "+v1+"/connections/{id}", func(r *http.Request) (any, error) {
		return struct{}{}, t.o.Accounts.End(r.Context(), r.PathValue("id"))
	})
	t.handle("GET "+v1+"/secrets", t.secrets)
	t.handle("PUT "+v1+"/secrets/{name}", t.setSecret)
	t.handle("DELETE "+v1+"/secrets/{name}", func(r *http.Request) (any, error) {
		return struct{}{}, t.o.Vault.Remove(r.Context(), r.PathValue("name"))
	})
	t.handle("GET "+v1+"/vault", func(r *http.Request) (any, error) { return vaultJSON(t.o.Vault.Verify(r.Context())) })
	t.handle("POST "+v1+"/vault/rotate", func(r *http.Request) (any, error) { return vaultJSON(t.o.Vault.Rotate(r.Context())) })
}

func (t *Toolshed) connect(r *http.Request) (any, error) {
	var req api.ConnectRequest
	if err := read(r, &req); err != nil {
		return nil, err
	}
	if err := t.mayConnect(); err != nil {
		return nil, err
	}
	c, at, err := t.o.Manager.AuthCell(r.Context(), r.PathValue("space"), r.PathValue("charm"), req.Cell)
	if err != nil {
		return nil, err
	}
	to := oauth.Target{Space: c.Space, Charm: c.ID, Cell: at}
	var begun oauth.Begun
	switch {
	case req.Device:
		begun, err = t.o.Accounts.BeginDevice(r.Context(), req.Provider, to, apiSession)
	case !loopbackURL(req.Redirect):
		err = charm.Errorf(charm.CodeInvalid, "redirect is %q: it takes an http address of the client's own machine", req.Redirect)
	default:
		begun, err = t.o.Accounts.Begin(r.Context(), req.Provider, to, req.Redirect, apiSession)
	}
	return api.ConnectReply{State: begun.State, URL: begun.URL, Code: begun.Code}, err
}

// loopbackURL reports whether address leads back to the machine of who opens it.
func loopbackURL(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback()
}

func (t *Toolshed) finish(r *http.Request) (any, error) {
	var req api.ConnectFinish
	if err := read(r, &req); err != nil {
		return nil, err
	}
	conn, err := t.o.Accounts.Finish(r.Context(), req.Provider, apiSession, oauth.Answer{State: req.State, Code: req.Code, Error: req.Error, Issuer: req.Issuer})
	if errors.Is(err, oauth.ErrForged) {
		t.o.Accounts.Refuse(r.Context(), req.Provider, sender(r), err)
	}
	if err != nil {
		return nil, err
	}
	t.connected(r.Context(), conn.Connection)
	out := t.connectionJSON(r.Context(), conn.Connection)
	out.Before = conn.Before
	return out, nil
}

// Connections lists the accounts that charms may use.
func (t *Toolshed) Connections(ctx context.Context) []api.Connection {
	list := []api.Connection{}
	for _, c := range t.o.Accounts.List() {
		list = append(list, t.connectionJSON(ctx, c))
	}
	return list
}

func (t *Toolshed) connectionJSON(ctx context.Context, c charm.Connection) api.Connection {
	out := api.Connection{
		ID: c.ID, Provider: c.Provider, Account: c.Account.Email, Space: c.Space, State: c.State, Because: t.o.Accounts.Words(c),
		Since: c.Since.UTC(), Made: c.Made.UTC(), Expires: moment(c.Expires), Ends: moment(c.Ends),
		Scopes: append([]string{}, c.Scopes...), Missing: t.o.Accounts.Missing(c),
	}
	if ref, err := t.o.Manager.RefOf(ctx, c.Space, c.Charm); err == nil {
		out.Charm = ref
		if c.State == charm.Disconnected {
			out.Next = "charmd connect " + c.Provider + " --charm " + ref
		}
	}
	return out
}

func (t *Toolshed) refusedAnswers() []api.RefusedAnswer {
	list := []api.RefusedAnswer{}
	for _, r := range t.o.Accounts.Refused() {
		list = append(list, api.RefusedAnswer{First: r.First.UTC(), Last: r.Last.UTC(), Provider: r.Provider, From: r.From, Why: r.Why, Times: r.Times})
	}
	return list
}

// moment is t for JSON, null when it is not set.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func (t *Toolshed) secrets(r *http.Request) (any, error) {
	list, err := t.o.Vault.List(r.Context())
	out := []api.Secret{}
	for _, s := range list {
		name := s.Name
		if name == "" {
			name = s.Place
		}
		out = append(out, api.Secret{Name: name, Own: s.Name == "", Key: s.Key, Changed: s.Changed.UTC()})
	}
	return out, err
}

func (t *Toolshed) setSecret(r *http.Request) (any, error) {
	var req api.SecretValue
	if err := read(r, &req); err != nil {
		return nil, charm.Errorf(charm.CodeInvalid, "the request's body is not the JSON expected here") // its error may repeat the value
	}
	return struct{}{}, t.o.Vault.Set(r.Context(), r.PathValue("name"), charm.Secret(req.Value))
}

func vaultJSON(r vault.Report, err error) (any, error) {
	return api.Vault{Key: r.Key, Secrets: r.Secrets, Old: r.Old, Broken: append([]string{}, r.Broken...)}, err
}
