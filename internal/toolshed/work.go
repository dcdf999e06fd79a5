package toolshed

import (
	"net/http"
	"slices"
	"strings"

	"charmd/internal/api"
	"charmd/internal/charm"
)

func (t *Toolshed) pause(r *http.Request) (any, error) {
	var req api.PauseRequest
	if err := read(r, &req); err != nil {
		return nil, err
	}
	return t.o.Manager.Pause(r.Context(), req)
}

func (t *Toolshed) resume(r *http.Request) (any, error) {
	var req api.PauseRequest
	if err := read(r, &req); err != nil {
		return nil, err
	}
	return t.o.Manager.Resume(r.Context(), req)
}

func (t *Toolshed) cancelJob(r *http.Request) (any, error) {
	return t.o.Manager.Cancel(r.Context(), r.PathValue("id"))
}

func (t *Toolshed) cancelJobOf(r *http.Request) (any, error) {
	return t.o.Manager.CancelOf(r.Context(), r.PathValue("space"), r.PathValue("charm"))
}

func (t *Toolshed) retry(r *http.Request) (any, error) {
	var req api.RetryRequest
	if err := read(r, &req); err != nil {
		return nil, err
	}
	if err := checkOutcome(req.Outcome); err != nil {
		return nil, err
	}
	if t.o.Alone {
		return nil, runsNothing()
	}
	return t.o.Manager.Retry(r.Context(), req)
}

func checkOutcome(o charm.Outcome) error {
	var outcomes []string
	for _, known := range charm.Outcomes() {
		outcomes = append(outcomes, string(known))
	}
	if o != "" && !slices.Contains(outcomes, string(o)) {
		return charm.Errorf(charm.CodeUsage, "there is no outcome %q", o).WithHint("the outcomes are: %s", strings.Join(outcomes, ", "))
	}
	return nil
}
