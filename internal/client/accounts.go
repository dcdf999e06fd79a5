package client

import (
	"context"
	"net/http"
	"net/url"

	"charmd/internal/api"
	"charmd/internal/charm"
)

// Connect begins to connect an account for a charm.
func (c *Client) Connect(ctx context.Context, r Ref, req api.ConnectRequest) (reply api.ConnectReply, err error) {
	return reply, c.call(ctx, http.MethodPost, r.path("/connect"), req, &reply)
}

// FinishConnect ends what Connect began; of a device code it lasts until the person
// has typed it.
func (c *Client) FinishConnect(ctx context.Context, req api.ConnectFinish) (conn api.Connection, err error) {
	return conn, c.call(ctx, http.MethodPost, "/api/v1/connections", req, &conn)
}

// Connections lists the accounts that charms may use.
func (c *Client) Connections(ctx context.Context) (list []api.Connection, err error) {
	return list, c.quickly(ctx, http.MethodGet, "/api/v1/connections", nil, &list)
}

// RefusedAnswers lists the last answers of providers that were refused.
func (c *Client) RefusedAnswers(ctx context.Context) (list []api.RefusedAnswer, err error) {
	return list, c.quickly(ctx, http.MethodGet, "/api/v1/connections/refused", nil, &list)
}

// Disconnect forgets an account.
func (c *Client) Disconnect(ctx context.Context, id string) error {
	return c.quickly(ctx, http.MethodDelete, "/api/v1/connections/"+url.PathEscape(id), nil, nil)
}

// Secrets lists the secrets, without their values.
func (c *Client) Secrets(ctx context.Context) (list []api.Secret, err error) {
	return list, c.quickly(ctx, http.MethodGet, "/api/v1/secrets", nil, &list)
}

// SetSecret seals a value under a name.
func (c *Client) SetSecret(ctx context.Context, name string, value charm.Secret) error {
	return c.quickly(ctx, http.MethodPut, "/api/v1/secrets/"+url.PathEscape(name), api.SecretValue{Value: value.Reveal()}, nil)
}

// RemoveSecret takes a named secret away.
func (c *Client) RemoveSecret(ctx context.Context, name string) error {
	return c.quickly(ctx, http.MethodDelete, "/api/v1/secrets/"+url.PathEscape(name), nil, nil)
}

// VerifyVault opens every secret and says which cannot be.
func (c *Client) VerifyVault(ctx context.Context) (v api.Vault, err error) {
	return v, c.call(ctx, http.MethodGet, "/api/v1/vault", nil, &v)
}

// RotateVault seals all secrets with a new key.
func (c *Client) RotateVault(ctx context.Context) (v api.Vault, err error) {
	return v, c.call(ctx, http.MethodPost, "/api/v1/vault/rotate", struct{}{}, &v)
}
