// Package client is how a command finds the daemon and speaks to it. It exists
// so that there is one answer to "which charmd is meant, and with what token",
// one place for the format of the runtime file that the daemon leaves for its
// clients, and one reading of the daemon's replies and errors.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
)

const (
	// maxReplyBytes is the limit of one reply: a run's documents at their largest.
	maxReplyBytes = charm.MaxFrameBytes
	// dialTimeout is how long to wait for a connection; quick, for the reply of a
	// request that does not run or compile anything.
	dialTimeout = 5 * time.Second
	quick       = 30 * time.Second
)

// ErrNobodyAnswers is the cause of the error of a request that reached no server.
var ErrNobodyAnswers = errors.New("nobody answers")

// Client speaks to one daemon. It is safe for concurrent use.
type Client struct {
	base  string
	pages string
	token string
	given bool // the token is CHARMD_TOKEN's
	http  http.Client
}

// New makes a client of the daemon at the URL. A nil transport is the network,
// without proxies. Redirects are never followed: the token must not travel.
func New(baseURL, token string, transport http.RoundTripper) *Client {
	if transport == nil {
		transport = network(nil)
	}
	base := strings.TrimRight(baseURL, "/")
	return &Client{
		base: base, pages: base,
		token: token,
		http: http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	}
}

// network is a transport that goes to the address itself, by HTTP/1.1, which
// WebSockets need. A nil configuration trusts whom the system does.
func network(secure *tls.Config) *http.Transport {
	return &http.Transport{
		DialContext:     (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig: secure,
	}
}

// URL is where the daemon is.
func (c *Client) URL() string { return c.base }

// Transport is how its requests get there.
func (c *Client) Transport() http.RoundTripper { return c.http.Transport }

// PagesURL is where a browser reaches it.
func (c *Client) PagesURL() string { return c.pages }

// call makes one request with body as JSON, nil for none, and decodes the reply
// into out unless that is nil. Errors are *charm.Error: the daemon's own, or
// code unavailable when there is no daemon to answer.
func (c *Client) call(ctx context.Context, method, path string, body, out any) error {
	var text io.Reader
	kind := ""
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("request to %s: %w", path, err)
		}
		text, kind = bytes.NewReader(encoded), "application/json"
	}
	res, err := c.send(ctx, method, path, text, kind)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return c.receive(res, out)
}

// send makes one request with a body of that kind, nil for none. The caller closes
// the reply.
func (c *Client) send(ctx context.Context, method, path string, body io.Reader, kind string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, charm.Errorf(charm.CodeUsage, "%q is not the address of a charmd: %w", c.base, err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(err)
	}
	return res, nil
}

// receive reads a reply and decodes it into out unless that is nil.
func (c *Client) receive(res *http.Response, out any) error {
	reply, err := io.ReadAll(io.LimitReader(res.Body, maxReplyBytes+1))
	if err != nil {
		return c.unreachable(err)
	}
	if len(reply) > maxReplyBytes {
		return charm.Errorf(charm.CodeTooLarge, "the reply of %s to %s is larger than %d MiB", c.base, res.Request.URL.Path, maxReplyBytes>>20)
	}
	return c.read(res, reply, out)
}

func (c *Client) read(res *http.Response, reply []byte, out any) error {
	if res.StatusCode/100 != 2 {
		return c.problem(res.Status, reply)
	}
	if out == nil {
		return nil
	}
	if err := jsontext.Decode(reply, out); err != nil {
		return c.stranger("its reply is not what charmd sends", err)
	}
	return nil
}

// problem is the error that a reply which is no success tells of.
func (c *Client) problem(status string, reply []byte) error {
	var body struct {
		Error api.Problem `json:"error"`
	}
	if err := jsontext.Decode(reply, &body); err != nil || body.Error.Code == "" {
		return c.stranger("it answered "+status, err)
	}
	e := &charm.Error{Code: body.Error.Code, Message: body.Error.Message, Hint: body.Error.Hint}
	if e.Code == charm.CodeUnauthorized && c.token == "" {
		e.Message = "the charmd at " + c.base + " wants a token"
		return e.WithHint("set CHARMD_TOKEN; the file %s in that charmd's data directory holds it", TokenFile)
	}
	if e.Code == charm.CodeUnauthorized && c.given {
		e.Message = "the charmd at " + c.base + " does not take the token in CHARMD_TOKEN"
		return e.WithHint("the file %s in its data directory holds the one that it takes", TokenFile)
	}
	if e.Code == charm.CodeUnauthorized {
		e.Message = "the charmd at " + c.base + " does not take the token of this data directory"
		return e.WithHint("name the data directory of the charmd that is meant with --data-dir (its file %s holds the token), or set CHARMD_TOKEN", TokenFile)
	}
	return e
}

func (c *Client) stranger(why string, err error) error {
	e := charm.Errorf(charm.CodeUnavailable, "what answers at %s is not charmd: %s", c.base, why).
		WithHint("CHARMD_URL, or --data-dir of the running charmd, says which one is meant")
	e.Err = err
	return e
}

func (c *Client) unreachable(err error) error {
	if told, ok := errors.AsType[*charm.Error](err); ok {
		return told
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		e := charm.Errorf(charm.CodeUnavailable, "no charmd is running: nobody answers at %s", c.base).
			WithHint("start one with: charmd start")
		e.Err = errors.Join(ErrNobodyAnswers, err)
		return e
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return charm.Errorf(charm.CodeUnavailable, "what answers at %s does not show a certificate that this machine trusts: %w", c.base, err).
			WithHint("on the machine that charmd runs on leave CHARMD_URL unset; elsewhere name it as in its certificate, whose signer the system must know")
	}
	if errors.Is(err, errStranger) {
		return charm.Errorf(charm.CodeUnavailable, "what answers at %s is not the charmd that was started there: its certificate is another one", c.base).
			WithHint("nothing was sent to it; see which program listens there, or start charmd again")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return charm.Errorf(charm.CodeUnavailable, "charmd at %s did not answer in time: %w", c.base, err)
	}
	return charm.Errorf(charm.CodeUnavailable, "the connection to charmd at %s broke: %w", c.base, err).
		WithHint("charmd status says whether it is still running")
}
