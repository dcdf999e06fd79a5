package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"charmd/internal/api"
	"charmd/internal/charm"
)

// Ref names a charm: its space by name or DID, and itself by id, by an
// unambiguous prefix of the id, or by name.
type Ref struct{ Space, Charm string }

// String is the reference as people write it.
func (r Ref) String() string { return r.Space + "/" + r.Charm }

func (r Ref) path(rest string) string {
	return "/api/v1/charms/" + url.PathEscape(r.Space) + "/" + url.PathEscape(r.Charm) + rest
}

// Status is how the service is.
func (c *Client) Status(ctx context.Context) (s api.Status, err error) {
	return s, c.quickly(ctx, http.MethodGet, "/api/v1/status", nil, &s)
}

// Charms lists the charms of a space, or of all for "", without results.
func (c *Client) Charms(ctx context.Context, space string) (list []api.Charm, err error) {
	path := "/api/v1/charms"
	if space != "" {
		path += "?space=" + url.QueryEscape(space)
	}
	return list, c.quickly(ctx, http.MethodGet, path, nil, &list)
}

// Add makes a charm of a recipe. It lasts as long as compiling and the first
// instantiation do.
func (c *Client) Add(ctx context.Context, r api.AddRequest) (a api.Added, err error) {
	return a, c.call(ctx, http.MethodPost, "/api/v1/charms", r, &a)
}

// AddAdminCharm makes the admin charm in the system space, or finds it there.
func (c *Client) AddAdminCharm(ctx context.Context) (a api.Added, err error) {
	return a, c.call(ctx, http.MethodPost, "/api/v1/admin-charm", struct{}{}, &a)
}

// Charm is all that is known of a charm, its result included.
func (c *Client) Charm(ctx context.Context, r Ref) (got api.Charm, err error) {
	return got, c.quickly(ctx, http.MethodGet, r.path(""), nil, &got)
}

// Remove unregisters a charm and forgets it.
func (c *Client) Remove(ctx context.Context, r Ref) error {
	return c.quickly(ctx, http.MethodDelete, r.path(""), nil, nil)
}

// Run asks for one attempt at once, and with wait returns when it has ended.
func (c *Client) Run(ctx context.Context, r Ref, wait bool) (reply api.RunReply, err error) {
	return reply, c.call(ctx, http.MethodPost, r.path("/run"), api.RunRequest{Wait: wait}, &reply)
}

// Enable lets a charm run in the background again.
func (c *Client) Enable(ctx context.Context, r Ref) (got api.Charm, err error) {
	return got, c.quickly(ctx, http.MethodPost, r.path("/enable"), struct{}{}, &got)
}

// Disable keeps a charm from running in the background. The reason is for people.
func (c *Client) Disable(ctx context.Context, r Ref, reason string) (got api.Charm, err error) {
	return got, c.quickly(ctx, http.MethodPost, r.path("/disable"), api.DisableRequest{Reason: reason}, &got)
}

// Update gives a charm another recipe, or says what that would do.
func (c *Client) Update(ctx context.Context, r Ref, u api.UpdateRequest) (done api.Updated, err error) {
	return done, c.call(ctx, http.MethodPost, r.path("/update"), u, &done)
}

// Preview is when a charm runs the next n times; 0 is the daemon's default.
func (c *Client) Preview(ctx context.Context, r Ref, n int) (p api.Preview, err error) {
	path := r.path("/preview")
	if n > 0 {
		path += "?n=" + strconv.Itoa(n)
	}
	return p, c.quickly(ctx, http.MethodGet, path, nil, &p)
}

// Schedule gives a charm another schedule.
func (c *Client) Schedule(ctx context.Context, r Ref, s api.ScheduleRequest) (p api.Preview, err error) {
	return p, c.quickly(ctx, http.MethodPut, r.path("/schedule"), s, &p)
}

// Configure changes how a charm is run.
func (c *Client) Configure(ctx context.Context, r Ref, change api.ConfigureRequest) (done api.Configured, err error) {
	return done, c.quickly(ctx, http.MethodPatch, r.path(""), change, &done)
}

// SetCell writes one value, at a path from the charm's result document.
func (c *Client) SetCell(ctx context.Context, r Ref, path []string, value json.RawMessage) error {
	return c.quickly(ctx, http.MethodPut, r.cell(path), value, nil)
}

// Cell reads one value, at a path from the charm's result document.
func (c *Client) Cell(ctx context.Context, r Ref, path []string) (value json.RawMessage, err error) {
	return value, c.quickly(ctx, http.MethodGet, r.cell(path), nil, &value)
}

func (r Ref) cell(path []string) string {
	escaped := make([]string, len(path))
	for i, key := range path {
		escaped[i] = url.PathEscape(key)
	}
	return r.path("/cells/" + strings.Join(escaped, "/"))
}

// Query chooses run records.
type Query struct {
	Limit   int           // at most so many; 0 is the daemon's default
	Outcome charm.Outcome // only those; "" for all
	Before  string        // only runs older than the one with this id
	Logs    bool          // with their logs
}

func (q Query) encode() string {
	v := url.Values{}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.Outcome != "" {
		v.Set("outcome", string(q.Outcome))
	}
	if q.Before != "" {
		v.Set("before", q.Before)
	}
	if q.Logs {
		v.Set("logs", "true")
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// Runs lists run records, the newest first.
func (c *Client) Runs(ctx context.Context, q Query) (list []api.Run, err error) {
	return list, c.quickly(ctx, http.MethodGet, "/api/v1/runs"+q.encode(), nil, &list)
}

// RunsOf is Runs of one charm.
func (c *Client) RunsOf(ctx context.Context, r Ref, q Query) (list []api.Run, err error) {
	return list, c.quickly(ctx, http.MethodGet, r.path("/runs")+q.encode(), nil, &list)
}

// Problems lists the errors that charms have met, the one seen last first.
func (c *Client) Problems(ctx context.Context) (list []api.Trouble, err error) {
	return list, c.quickly(ctx, http.MethodGet, "/api/v1/problems", nil, &list)
}

// ProblemsOf is Problems of one charm.
func (c *Client) ProblemsOf(ctx context.Context, r Ref) (list []api.Trouble, err error) {
	return list, c.quickly(ctx, http.MethodGet, r.path("/problems"), nil, &list)
}

// TryHook gives the notification hook a test notice.
func (c *Client) TryHook(ctx context.Context) (n api.Notified, err error) {
	return n, c.quickly(ctx, http.MethodPost, "/api/v1/notify/test", struct{}{}, &n)
}

// RunRecord is one run record with its log.
func (c *Client) RunRecord(ctx context.Context, id string) (run api.Run, err error) {
	return run, c.quickly(ctx, http.MethodGet, "/api/v1/runs/"+url.PathEscape(id), nil, &run)
}

// Jobs lists the live work.
func (c *Client) Jobs(ctx context.Context) (list []api.Job, err error) {
	return list, c.quickly(ctx, http.MethodGet, "/api/v1/jobs", nil, &list)
}

// Hosts lists the hosts that charms do not get to ask for a while.
func (c *Client) Hosts(ctx context.Context) (list []api.Host, err error) {
	return list, c.quickly(ctx, http.MethodGet, "/api/v1/hosts", nil, &list)
}

// ResetHost lets a host, HOST:PORT or HOST for all its ports, be asked again at once.
func (c *Client) ResetHost(ctx context.Context, name string) error {
	return c.quickly(ctx, http.MethodDelete, "/api/v1/hosts/"+url.PathEscape(name), nil, nil)
}

// Maintenance runs a maintenance task, and with wait returns when it has ended.
func (c *Client) Maintenance(ctx context.Context, task charm.Task, wait bool) (reply api.RunReply, err error) {
	path := "/api/v1/maintenance/" + url.PathEscape(string(task))
	return reply, c.call(ctx, http.MethodPost, path, api.RunRequest{Wait: wait}, &reply)
}

// quickly is call for what the daemon answers from memory or store.
func (c *Client) quickly(ctx context.Context, method, path string, body, out any) error {
	ctx, cancel := context.WithTimeout(ctx, quick)
	defer cancel()
	return c.call(ctx, method, path, body, out)
}
