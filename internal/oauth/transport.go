package oauth

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"charmd/internal/charm"
	"charmd/internal/egress"
	"charmd/internal/jsontext"
)

// Transport carries requests to a provider's endpoints through egress, under its
// rules. No charm decides where they go, so nobody is asked for consent. Endpoints that
// the operator has configured may lie at private addresses.
func Transport(client *egress.Client, p Provider) http.RoundTripper {
	return transport{client, egress.Policy{Space: "charmd", Charm: "oauth/" + p.Name, Ours: true, AllowHosts: p.endpoints()}}
}

type transport struct {
	client *egress.Client
	policy egress.Policy
}

// maxForm bounds a request to an endpoint.
const maxForm = 64 << 10

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	req := egress.Request{Method: r.Method, URL: r.URL.String(), Redirect: egress.RedirectManual}
	if r.Body != nil {
		defer r.Body.Close()
		body, err := io.ReadAll(io.LimitReader(r.Body, maxForm))
		if err != nil {
			return nil, err
		}
		req.Body = body
	}
	for name, values := range r.Header {
		for _, v := range values {
			req.Headers = append(req.Headers, [2]string{name, v})
		}
	}
	reply, _, err := t.client.Do(r.Context(), t.policy, req)
	if err == nil && bytes.HasPrefix(bytes.TrimLeft(reply.Body, " \t\r\n"), []byte("{")) {
		err = jsontext.CheckDepth(reply.Body, charm.MaxDepth) // which x/oauth2 does not
	}
	if err != nil {
		return nil, err
	}
	res := &http.Response{
		StatusCode: reply.Status, Status: fmt.Sprintf("%d %s", reply.Status, reply.StatusText), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(reply.Body)), ContentLength: int64(len(reply.Body)), Request: r,
	}
	for _, h := range reply.Headers {
		res.Header.Add(h[0], h[1])
	}
	return res, nil
}
