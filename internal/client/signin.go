package client

import (
	"context"
	"net/http"
	"net/url"

	"charmd/internal/api"
)

const signInsPath = "/api/v1/sign-ins"

// SignInLink makes a link that lets one browser in.
func (c *Client) SignInLink(ctx context.Context) (link api.SignInLink, err error) {
	return link, c.quickly(ctx, http.MethodPost, signInsPath, struct{}{}, &link)
}

// SignIns lists the browsers that are signed in.
func (c *Client) SignIns(ctx context.Context) (list []api.SignIn, err error) {
	return list, c.quickly(ctx, http.MethodGet, signInsPath, nil, &list)
}

// SignOut signs the browser with the id out, all of them for "".
func (c *Client) SignOut(ctx context.Context, id string) (done api.SignedOut, err error) {
	path := signInsPath
	if id != "" {
		path += "/" + url.PathEscape(id)
	}
	return done, c.quickly(ctx, http.MethodDelete, path, nil, &done)
}
