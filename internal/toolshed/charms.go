package toolshed

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/oklog/ulid/v2"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/manager"
)

// read decodes a JSON body; an empty one leaves v as it is.
func read(r *http.Request, v any) error {
	body, err := readBody(r)
	if err != nil || len(body) == 0 {
		return err
	}
	if err := jsontext.Decode(body, v); err != nil {
		return charm.Errorf(charm.CodeInvalid, "the request's body is not the JSON expected here: %w", err)
	}
	return nil
}

func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, charm.Errorf(charm.CodeTooLarge, "the request's body is larger than %d MiB", maxBody>>20)
	}
	if err != nil {
		return nil, charm.Errorf(charm.CodeInvalid, "the request's body could not be read: %w", err)
	}
	return body, nil
}

func (t *Toolshed) list(r *http.Request) (any, error) {
	return t.o.Manager.List(r.Context(), r.URL.Query().Get("space"))
}

func (t *Toolshed) add(r *http.Request) (any, error) {
	var req api.AddRequest
	if err := read(r, &req); err != nil {
		return nil, err
	}
	return t.o.Manager.Add(r.Context(), req)
}

func (t *Toolshed) show(r *http.Request) (any, error) {
	return t.o.Manager.Show(r.Context(), r.PathValue("space"), r.PathValue("charm"))
}

func (t *Toolshed) why(r *http.Request) (any, error) {
	return t.o.Service.Why(r.Context(), r.PathValue("space"), r.PathValue("charm"))
}

func (t *Toolshed) remove(r *http.Request) (any, error) {
	c, _, err := t.o.Manager.AuthCell(r.Context(), r.PathValue("space"), r.PathValue("charm"), nil)
	if err != nil {
		return nil, err
	}
	if err := t.o.Manager.Remove(r.Context(), c.Space, c.ID); err != nil {
		return nil, err
	}
	return struct{}{}, t.o.Accounts.EndOf(r.Context(), c.Space, c.ID)
}

func (t *Toolshed) run(r *http.Request) (any, error) {
	if t.o.Alone {
		return nil, runsNothing()
	}
	var req api.RunRequest
	if err := read(r, &req); err != nil {
		return nil, err
	}
	if reasons := t.o.Service.NotReady(); req.Wait && len(reasons) > 0 {
		return nil, charm.Errorf(charm.CodeUnavailable, "no run begins now: %s", reasons[0]).WithHint("without --wait it runs as soon as that is over")
	}
	return t.o.Manager.RunNow(r.Context(), r.PathValue("space"), r.PathValue("charm"), req.Wait)
}

func (t *Toolshed) enable(r *http.Request) (any, error) {
	return t.o.Manager.Enable(r.Context(), r.PathValue("space"), r.PathValue("charm"))
}

func (t *Toolshed) disable(r *http.Request) (any, error) {
	var req api.DisableRequest
	if err := read(r, &req); err != nil {
		return nil, err
	}
	return t.o.Manager.Disable(r.Context(), r.PathValue("space"), r.PathValue("charm"), req.Reason)
}

// cellPath is the path of a cell from the URL. Its parts are unescaped one by
// one, so that a key may hold a slash.
func cellPath(r *http.Request) ([]string, error) {
	_, rest, _ := strings.Cut(r.URL.EscapedPath(), "/cells/")
	var path []string
	for part := range strings.SplitSeq(strings.Trim(rest, "/"), "/") {
		key, err := url.PathUnescape(part)
		if err != nil {
			return nil, charm.Errorf(charm.CodeInvalid, "the path of the cell cannot be read: %w", err)
		}
		if key != "" {
			path = append(path, key)
		}
	}
	return path, nil
}

func (t *Toolshed) getCell(r *http.Request) (any, error) {
	path, err := cellPath(r)
	if err != nil {
		return nil, err
	}
	return t.o.Manager.Get(r.Context(), r.PathValue("space"), r.PathValue("charm"), path)
}

func (t *Toolshed) setCell(r *http.Request) (any, error) {
	path, err := cellPath(r)
	if err != nil {
		return nil, err
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	return struct{}{}, t.o.Manager.Set(r.Context(), r.PathValue("space"), r.PathValue("charm"), path, body)
}

func (t *Toolshed) runs(r *http.Request) (any, error) {
	q := r.URL.Query()
	f := manager.RunFilter{
		Space: r.PathValue("space"), Charm: r.PathValue("charm"),
		Outcome: charm.Outcome(q.Get("outcome")), Before: q.Get("before"), Logs: q.Get("logs") == "true",
	}
	if err := checkOutcome(f.Outcome); err != nil {
		return nil, err
	}
	if _, err := ulid.ParseStrict(f.Before); f.Before != "" && err != nil {
		return nil, charm.Errorf(charm.CodeUsage, "before is %q: it takes the id of a run", f.Before)
	}
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			return nil, charm.Errorf(charm.CodeUsage, "limit is %q: it takes a number from 1 to 1000", text)
		}
		f.Limit = n
	}
	return t.o.Manager.Runs(r.Context(), f)
}

func (t *Toolshed) problems(r *http.Request) (any, error) {
	return t.o.Manager.Problems(r.Context(), r.PathValue("space"), r.PathValue("charm"))
}

func (t *Toolshed) runByID(r *http.Request) (any, error) {
	return t.o.Manager.Run(r.Context(), r.PathValue("id"))
}

func (t *Toolshed) maintain(r *http.Request) (any, error) {
	var req api.RunRequest
	if err := read(r, &req); err != nil {
		return nil, err
	}
	return t.o.Manager.Maintain(r.Context(), charm.Task(r.PathValue("task")), req.Wait)
}
