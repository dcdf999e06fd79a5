package client

import (
	"context"
	"net/http"
	"time"

	"charmd/internal/api"
)

// thorough is how long a daemon may take to look at all of itself.
const thorough = 2 * time.Minute

// Why is how a charm stands and why.
func (c *Client) Why(ctx context.Context, r Ref) (why api.Why, err error) {
	return why, c.quickly(ctx, http.MethodGet, r.path("/why"), nil, &why)
}

// WhyService is how the service stands and why.
func (c *Client) WhyService(ctx context.Context) (why api.Why, err error) {
	return why, c.quickly(ctx, http.MethodGet, "/api/v1/why", nil, &why)
}

// Doctor is what is wrong with the daemon itself, as far as it sees.
func (c *Client) Doctor(ctx context.Context) (d api.Diagnosis, err error) {
	ctx, cancel := context.WithTimeout(ctx, thorough)
	defer cancel()
	return d, c.call(ctx, http.MethodGet, "/api/v1/doctor", nil, &d)
}
