package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"charmd/internal/api"
	"charmd/internal/charm"
)

// request is what a daemon was asked.
type request struct{ Method, URI, Token, Type, Body string }

// recorder answers every request with the status and text, and keeps it.
func recorder(status int, text string, got *request) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*got = request{r.Method, r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), string(body)}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	})
}

func TestRequests(t *testing.T) {
	t.Parallel()
	ref := Ref{Space: "did:key:z6Mk", Charm: "my news/today"}
	const path = "/api/v1/charms/did:key:z6Mk/my%20news%2Ftoday"
	for _, tc := range []struct {
		name string
		call func(context.Context, *Client) error
		want request
	}{
		{"status", func(ctx context.Context, c *Client) error { _, err := c.Status(ctx); return err }, request{Method: "GET", URI: "/api/v1/status"}},
		{"charms", func(ctx context.Context, c *Client) error { _, err := c.Charms(ctx, ""); return err }, request{Method: "GET", URI: "/api/v1/charms"}},
		{"charms of a space", func(ctx context.Context, c *Client) error { _, err := c.Charms(ctx, "a b"); return err }, request{Method: "GET", URI: "/api/v1/charms?space=a+b"}},
		{"add", func(ctx context.Context, c *Client) error {
			_, err := c.Add(ctx, api.AddRequest{Entry: "a.tsx", Argument: json.RawMessage(`{"x":1}`)})
			return err
		}, request{Method: "POST", URI: "/api/v1/charms", Body: `{"entry":"a.tsx","files":null,"argument":{"x":1}}`}},
		{"admin", func(ctx context.Context, c *Client) error { _, err := c.AddAdminCharm(ctx); return err }, request{Method: "POST", URI: "/api/v1/admin-charm", Body: "{}"}},
		{"charm", func(ctx context.Context, c *Client) error { _, err := c.Charm(ctx, ref); return err }, request{Method: "GET", URI: path}},
		{"why", func(ctx context.Context, c *Client) error { _, err := c.Why(ctx, ref); return err }, request{Method: "GET", URI: path + "/why"}},
		{"why of the service", func(ctx context.Context, c *Client) error { _, err := c.WhyService(ctx); return err }, request{Method: "GET", URI: "/api/v1/why"}},
		{"doctor", func(ctx context.Context, c *Client) error { _, err := c.Doctor(ctx); return err }, request{Method: "GET", URI: "/api/v1/doctor"}},
		{"remove", func(ctx context.Context, c *Client) error { return c.Remove(ctx, ref) }, request{Method: "DELETE", URI: path}},
		{"run", func(ctx context.Context, c *Client) error { _, err := c.Run(ctx, ref, true); return err }, request{Method: "POST", URI: path + "/run", Body: `{"wait":true}`}},
		{"enable", func(ctx context.Context, c *Client) error { _, err := c.Enable(ctx, ref); return err }, request{Method: "POST", URI: path + "/enable", Body: "{}"}},
		{"disable", func(ctx context.Context, c *Client) error { _, err := c.Disable(ctx, ref, "noisy"); return err }, request{Method: "POST", URI: path + "/disable", Body: `{"reason":"noisy"}`}},
		{"preview", func(ctx context.Context, c *Client) error { _, err := c.Preview(ctx, ref, 0); return err }, request{Method: "GET", URI: path + "/preview"}},
		{"preview of 3", func(ctx context.Context, c *Client) error { _, err := c.Preview(ctx, ref, 3); return err }, request{Method: "GET", URI: path + "/preview?n=3"}},
		{"schedule", func(ctx context.Context, c *Client) error {
			_, err := c.Schedule(ctx, ref, api.ScheduleRequest{Cron: "@daily", Zone: "UTC"})
			return err
		}, request{Method: "PUT", URI: path + "/schedule", Body: `{"cron":"@daily","zone":"UTC"}`}},
		{"set", func(ctx context.Context, c *Client) error {
			return c.SetCell(ctx, ref, []string{"a/b", "0", "ü"}, json.RawMessage(`[1]`))
		}, request{Method: "PUT", URI: path + "/cells/a%2Fb/0/%C3%BC", Body: `[1]`}},
		{"get", func(ctx context.Context, c *Client) error { _, err := c.Cell(ctx, ref, []string{"a"}); return err }, request{Method: "GET", URI: path + "/cells/a"}},
		{"runs", func(ctx context.Context, c *Client) error { _, err := c.Runs(ctx, Query{}); return err }, request{Method: "GET", URI: "/api/v1/runs"}},
		{"runs of", func(ctx context.Context, c *Client) error {
			_, err := c.RunsOf(ctx, ref, Query{Limit: 3, Outcome: charm.TimedOut, Before: "01J", Logs: true})
			return err
		}, request{Method: "GET", URI: path + "/runs?before=01J&limit=3&logs=true&outcome=timeout"}},
		{"run record", func(ctx context.Context, c *Client) error { _, err := c.RunRecord(ctx, "01J"); return err }, request{Method: "GET", URI: "/api/v1/runs/01J"}},
		{"jobs", func(ctx context.Context, c *Client) error { _, err := c.Jobs(ctx); return err }, request{Method: "GET", URI: "/api/v1/jobs"}},
		{"maintenance", func(ctx context.Context, c *Client) error {
			_, err := c.Maintenance(ctx, charm.Cleanup, true)
			return err
		}, request{Method: "POST", URI: "/api/v1/maintenance/cleanup", Body: `{"wait":true}`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got request
			handler := recorder(http.StatusOK, "null", &got)
			server := httptest.NewServer(handler)
			defer server.Close()
			tc.want.Token = "Bearer secret"
			if tc.want.Body != "" {
				tc.want.Type = "application/json"
			}
			for how, c := range map[string]*Client{
				"network": New(server.URL+"/", "secret", nil), "in process": New("http://127.0.0.1:8000", "secret", InProcess(handler)),
			} {
				got = request{}
				if err := tc.call(t.Context(), c); err != nil {
					t.Fatalf("%s: %v", how, err)
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("%s: %s", how, diff)
				}
			}
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		token     string
		status    int
		reply     string
		code      charm.ErrorCode
		say, hint string
	}{
		{"the daemon's own", "", 404, `{"error":{"code":"not_found","message":"no charm x","hint":"charmd list"}}`, charm.CodeNotFound, "no charm x", "charmd list"},
		{"no token", "", 401, `{"error":{"code":"unauthorized","message":"a token is needed"}}`, charm.CodeUnauthorized, "wants a token", "CHARMD_TOKEN"},
		{"another token", "other", 401, `{"error":{"code":"unauthorized","message":"a token is needed"}}`, charm.CodeUnauthorized, "does not take the token of this data directory", "CHARMD_TOKEN"},
		{"a code from a later version", "", 418, `{"error":{"code":"teapot","message":"short"}}`, "teapot", "short", ""},
		{"another server", "", 404, "<html>", charm.CodeUnavailable, "is not charmd: it answered 404", "CHARMD_URL"},
		{"another server's JSON", "", 500, `{"error":"no"}`, charm.CodeUnavailable, "is not charmd", ""},
		{"another server that is content", "", 200, "<html>", charm.CodeUnavailable, "is not charmd: its reply", ""},
		{"a redirect is not followed", "", 302, "", charm.CodeUnavailable, "it answered 302", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got request
			_, err := New("http://127.0.0.1:8000", tc.token, InProcess(recorder(tc.status, tc.reply, &got))).Status(t.Context())
			e, ok := errors.AsType[*charm.Error](err)
			if !ok || e.Code != tc.code || !strings.Contains(e.Message, tc.say) || !strings.Contains(e.Hint, tc.hint) {
				t.Errorf("got %#v", err)
			}
			if strings.TrimPrefix(got.Token, "Bearer ") != tc.token {
				t.Errorf("sent the token %q", got.Token)
			}
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	// Port 1 is one that no program is given which asks for any.
	_, err := New("http://127.0.0.1:1", "", nil).Status(t.Context())
	e, ok := errors.AsType[*charm.Error](err)
	if !ok || e.Code != charm.CodeUnavailable || !errors.Is(err, ErrNobodyAnswers) || e.Hint != "start one with: charmd start" {
		t.Errorf("got %#v", err)
	}
}

func TestBrokenConnection(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer server.Close()
	_, err := New(server.URL, "", nil).Status(t.Context())
	if charm.CodeOf(err) != charm.CodeUnavailable || errors.Is(err, ErrNobodyAnswers) {
		t.Errorf("got %v", err)
	}
}

// silent is a daemon that never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestQuickRequestsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, err := New("http://127.0.0.1:8000", "", silent{}).Jobs(t.Context())
		if charm.CodeOf(err) != charm.CodeUnavailable || !strings.Contains(err.Error(), "did not answer in time") {
			t.Errorf("got %v", err)
		}
	})
}
