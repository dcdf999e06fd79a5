package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"charmd/internal/charm"
	"charmd/internal/store"
	"charmd/internal/vault"
)

// maxUser bounds what is read of an account.
const maxUser = 64 << 10

// user asks whose account it is; an account is of use also when nobody says.
func (a *Accounts) user(ctx context.Context, p Provider, t tokens) (u charm.Account) {
	if p.UserURL == "" {
		return u
	}
	ctx, cancel := a.asking(ctx, p)
	defer cancel()
	var body struct {
		Email, Name, Picture, Login string
		Avatar                      string `json:"avatar_url"`
	}
	err := a.get(ctx, p.UserURL, "Bearer "+t.Access, &body)
	if err != nil {
		a.o.Logger.Warn("whose account it is could not be asked", "provider", p.Name, "err", told(err))
		return u
	}
	first := func(x, y string) string {
		if x != "" {
			return x
		}
		return y
	}
	return charm.Account{Email: first(body.Email, body.Login), Name: first(body.Name, body.Login), Picture: first(body.Picture, body.Avatar)}
}

// get reads a JSON object from an endpoint of a provider.
func (a *Accounts) get(ctx context.Context, address, authorization string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := ctx.Value(oauth2.HTTPClient).(*http.Client).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return &oauth2.RetrieveError{Response: res}
	}
	return json.NewDecoder(io.LimitReader(res.Body, maxUser)).Decode(into)
}

// clientSecret is the secret that the vault has for a provider, "" for none.
func (a *Accounts) clientSecret(ctx context.Context, provider string) (secret charm.Secret, err error) {
	err = a.o.Store.View(ctx, func(r store.Reader) error {
		value, err := a.o.Vault.Get(r, vault.Named(SecretName(provider)))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		secret = charm.Secret(value)
		return err
	})
	return secret, err
}

// row is a provider with its client's secret and all its endpoints: those that its row
// leaves out are read where its issuer says them (OpenID Connect Discovery), once.
func (a *Accounts) row(ctx context.Context, name string) (Provider, error) {
	p, err := a.Provider(name)
	if err != nil {
		return p, err
	}
	if p.ClientSecret == "" {
		if p.ClientSecret, err = a.clientSecret(ctx, name); err != nil {
			return p, err
		}
	}
	if p.AuthURL != "" && p.TokenURL != "" {
		return p, nil
	}
	a.mu.Lock()
	known, ok := a.rows[name]
	a.mu.Unlock()
	if ok {
		known.ClientSecret = p.ClientSecret
		return known, nil
	}
	asking, cancel := a.asking(ctx, p)
	defer cancel()
	var found struct {
		Issuer   string
		Auth     string   `json:"authorization_endpoint"`
		Token    string   `json:"token_endpoint"`
		Device   string   `json:"device_authorization_endpoint"`
		UserInfo string   `json:"userinfo_endpoint"`
		Methods  []string `json:"token_endpoint_auth_methods_supported"` // how a client may prove itself
	}
	if err := a.get(asking, strings.TrimSuffix(p.Issuer, "/")+"/.well-known/openid-configuration", "", &found); err != nil {
		return p, unavailable(p, err)
	}
	p.AuthURL, p.TokenURL = found.Auth, found.Token
	if p.DeviceURL == "" {
		p.DeviceURL = found.Device
	}
	if p.UserURL == "" {
		p.UserURL = found.UserInfo
	}
	if slices.Contains(found.Methods, "client_secret_basic") && !slices.Contains(found.Methods, "client_secret_post") {
		p.BasicAuth = true
	}
	if err := p.check(); err != nil || found.Issuer != p.Issuer {
		return p, charm.Errorf(charm.CodeUnavailable, "what %s says of its endpoints cannot be used", p.Title)
	}
	if p.AuthURL == "" || p.TokenURL == "" {
		return p, charm.Errorf(charm.CodeUnavailable, "%s names no endpoints", p.Title)
	}
	a.mu.Lock()
	a.rows[name] = p
	a.mu.Unlock()
	return p, nil
}
