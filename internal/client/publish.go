package client

import (
	"context"
	"net/http"

	"charmd/internal/api"
)

// Publish makes the secret link to a charm's items, in the place of an earlier one.
func (c *Client) Publish(ctx context.Context, r Ref, req api.PublishRequest) (made api.Published, err error) {
	return made, c.quickly(ctx, http.MethodPost, r.path("/publish"), req, &made)
}

// Unpublish ends it.
func (c *Client) Unpublish(ctx context.Context, r Ref) error {
	return c.quickly(ctx, http.MethodDelete, r.path("/publish"), nil, nil)
}
