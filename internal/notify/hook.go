package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"charmd/internal/charm"
)

// hook takes notices. deliver returns when it has taken one, or why it has not;
// ctx limits the time.
type hook interface {
	deliver(ctx context.Context, id string, body []byte) error
	kind() string
}

func newHook(o Options) (hook, error) {
	switch {
	case o.Command != "":
		path, err := exec.LookPath(o.Command)
		if err != nil {
			return nil, charm.Errorf(charm.CodeUsage, "notify-command names %s, which cannot be run: %w", o.Command, errors.Unwrap(err)).
				WithHint("it takes the path of an executable file; what it needs to know it reads from its standard input")
		}
		return command{path}, nil
	case o.URL != "":
		return newWebhook(o), nil
	}
	return nil, nil
}

// command is a program of the operator's. It is given a notice on its standard
// input and takes it by ending with 0.
type command struct{ path string }

func (command) kind() string { return "command" }

// mostOutput is how much of a command's output is kept for the log, bytes.
const mostOutput = 2000

func (c command) deliver(ctx context.Context, _ string, body []byte) error {
	out := &head{most: mostOutput}
	cmd := exec.CommandContext(ctx, c.path)
	cmd.Stdin = bytes.NewReader(body)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")} // none of the service's secrets
	cmd.WaitDelay = time.Second                                                  // for children that keep its output open
	withChildren(cmd)
	err := cmd.Run()
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("still running after %v", deliveryTime)
	}
	if said := strings.TrimSpace(string(out.kept)); said != "" {
		err = fmt.Errorf("%w: %s", err, strings.ToValidUTF8(said, ""))
	}
	return err
}

// head keeps the beginning of what is written.
type head struct {
	kept []byte
	most int // bytes
}

func (h *head) Write(p []byte) (int, error) {
	h.kept = append(h.kept, p[:min(len(p), h.most-len(h.kept))]...)
	return len(p), nil
}

// webhook is an address of the operator's. It takes a notice by answering 2xx.
type webhook struct {
	url, token string
	client     *http.Client
}

// mostReply is how much of a reply is read, so that the connection can be used
// again, bytes.
const mostReply = 64 << 10

func newWebhook(o Options) *webhook {
	transport := o.Transport
	if transport == nil {
		transport = &http.Transport{
			DialContext:            (&net.Dialer{Timeout: deliveryTime / 2}).DialContext,
			TLSHandshakeTimeout:    deliveryTime / 2,
			ResponseHeaderTimeout:  deliveryTime,
			MaxResponseHeaderBytes: mostReply,
			MaxConnsPerHost:        2, // one delivers, one tries
			IdleConnTimeout:        time.Minute,
			ForceAttemptHTTP2:      true,
		}
	}
	return &webhook{url: o.URL, token: o.Token, client: &http.Client{
		Transport: transport,
		// The token must not travel.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (*webhook) kind() string { return "url" }

func (w *webhook) deliver(ctx context.Context, id string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return bare(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "charmd")
	req.Header.Set("Idempotency-Key", id)
	if w.token != "" {
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	res, err := w.client.Do(req)
	if err != nil {
		return bare(err)
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, mostReply))
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("it answered %s", res.Status)
	}
	return bare(err)
}

// bare is err without the address, which may hold a secret.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		if e.Timeout() {
			return fmt.Errorf("no answer within %v", deliveryTime)
		}
		return e.Err
	}
	return err
}
