package client

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"charmd/internal/api"
)

// Changes is what a run changed.
func (c *Client) Changes(ctx context.Context, run string) (out api.Changes, err error) {
	return out, c.quickly(ctx, http.MethodGet, "/api/v1/runs/"+url.PathEscape(run)+"/changes", nil, &out)
}

// Undo makes the documents that a run changed what they were before it.
func (c *Client) Undo(ctx context.Context, run string) (out api.Undone, err error) {
	return out, c.quickly(ctx, http.MethodPost, "/api/v1/runs/"+url.PathEscape(run)+"/undo", struct{}{}, &out)
}

// Replay makes a run again from its record, and writes nothing.
func (c *Client) Replay(ctx context.Context, run string, r api.ReplayRequest) (out api.Replayed, err error) {
	return out, c.call(ctx, http.MethodPost, "/api/v1/runs/"+url.PathEscape(run)+"/replay", r, &out)
}

const spacesPath = "/api/v1/spaces"

func spacePath(space, rest string) string { return spacesPath + "/" + url.PathEscape(space) + rest }

// Spaces lists the spaces.
func (c *Client) Spaces(ctx context.Context) (list []api.Space, err error) {
	return list, c.quickly(ctx, http.MethodGet, spacesPath, nil, &list)
}

// Space is one space, by name or DID.
func (c *Client) Space(ctx context.Context, space string) (s api.Space, err error) {
	return s, c.quickly(ctx, http.MethodGet, spacePath(space, ""), nil, &s)
}

// Grant gives who, a DID or * for everybody, a right in a space.
func (c *Client) Grant(ctx context.Context, space, who, right string) (s api.Space, err error) {
	return s, c.quickly(ctx, http.MethodPut, spacePath(space, "/access/"+url.PathEscape(who)), api.Grant{Right: right}, &s)
}

// Revoke takes the right that who has been granted in a space.
func (c *Client) Revoke(ctx context.Context, space, who string) (s api.Space, err error) {
	return s, c.quickly(ctx, http.MethodDelete, spacePath(space, "/access/"+url.PathEscape(who)), nil, &s)
}

// Export writes a space to w, as a file that Import takes. When it fails, what was
// written is a part of one.
func (c *Client) Export(ctx context.Context, space string, w io.Writer) error {
	res, err := c.send(ctx, http.MethodGet, spacePath(space, "/export"), nil, "")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return c.receive(res, nil)
	}
	in := &source{from: res.Body}
	if _, err := io.Copy(w, in); in.err != nil {
		return c.unreachable(in.err)
	} else if err != nil {
		return err
	}
	return nil
}

// source remembers the error of what it reads from, apart from that of a copy's
// other side.
type source struct {
	from io.Reader
	err  error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// Import makes a space of what Export wrote, under another name or DID unless that
// is "". With register its charms run in the background as they did.
func (c *Client) Import(ctx context.Context, space string, register bool, from io.Reader) (out api.Imported, err error) {
	q := url.Values{}
	if space != "" {
		q.Set("space", space)
	}
	if register {
		q.Set("register", "true")
	}
	res, err := c.send(ctx, http.MethodPost, spacesPath+"?"+q.Encode(), from, "application/x-ndjson")
	if err != nil {
		return out, err
	}
	defer res.Body.Close()
	return out, c.receive(res, &out)
}
