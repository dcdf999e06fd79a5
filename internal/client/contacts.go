package client

import (
	"context"
	"net/http"
	"net/url"

	"charmd/internal/api"
)

// Contacts lists the hosts that charms have asked or want to ask.
func (c *Client) Contacts(ctx context.Context) (list []api.Contact, err error) {
	return list, c.quickly(ctx, http.MethodGet, "/api/v1/contacts", nil, &list)
}

// AllowContact lets a charm ask a host, HOST or HOST:PORT.
func (c *Client) AllowContact(ctx context.Context, r Ref, host string) error {
	return c.quickly(ctx, http.MethodPut, r.path("/contacts/"+url.PathEscape(host)), struct{}{}, nil)
}
