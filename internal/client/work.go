package client

import (
	"context"
	"net/http"
	"net/url"

	"charmd/internal/api"
)

// Pause keeps what the request names from running by itself.
func (c *Client) Pause(ctx context.Context, r api.PauseRequest) (p api.Pause, err error) {
	return p, c.quickly(ctx, http.MethodPost, "/api/v1/pause", r, &p)
}

// Resume ends a pause.
func (c *Client) Resume(ctx context.Context, r api.PauseRequest) (p api.Pause, err error) {
	return p, c.quickly(ctx, http.MethodPost, "/api/v1/resume", r, &p)
}

// CancelJob ends the live job with the id.
func (c *Client) CancelJob(ctx context.Context, id string) (job api.Job, err error) {
	return job, c.quickly(ctx, http.MethodPost, "/api/v1/jobs/"+url.PathEscape(id)+"/cancel", struct{}{}, &job)
}

// CancelJobOf ends the live job of a charm.
func (c *Client) CancelJobOf(ctx context.Context, r Ref) (job api.Job, err error) {
	return job, c.quickly(ctx, http.MethodPost, r.path("/cancel"), struct{}{}, &job)
}

// Retry lets the charms that the request chooses run now.
func (c *Client) Retry(ctx context.Context, r api.RetryRequest) (done api.Retried, err error) {
	return done, c.quickly(ctx, http.MethodPost, "/api/v1/retry", r, &done)
}
