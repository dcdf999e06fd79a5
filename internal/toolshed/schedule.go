package toolshed

import (
	"net/http"
	"strconv"

	"charmd/internal/api"
	"charmd/internal/charm"
)

// mostPreviewed bounds how many times are worked out for one request.
const mostPreviewed = 1000

func (t *Toolshed) preview(r *http.Request) (any, error) {
	n := 0
	if text := r.URL.Query().Get("n"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 || n > mostPreviewed {
			return nil, charm.Errorf(charm.CodeInvalid, "n is %q: it takes a number from 1 to %d", text, mostPreviewed)
		}
	}
	return t.o.Manager.Preview(r.Context(), r.PathValue("space"), r.PathValue("charm"), n)
}

func (t *Toolshed) schedule(r *http.Request) (any, error) {
	var req api.ScheduleRequest
	if err := read(r, &req); err != nil {
		return nil, err
	}
	return t.o.Manager.Reschedule(r.Context(), r.PathValue("space"), r.PathValue("charm"), req)
}
