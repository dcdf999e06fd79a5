package toolshed

import (
	"net/http"

	"charmd/internal/api"
)

func (t *Toolshed) changes(r *http.Request) (any, error) {
	return t.o.Manager.Changes(r.Context(), r.PathValue("id"))
}

func (t *Toolshed) undo(r *http.Request) (any, error) {
	return t.o.Manager.Undo(r.Context(), r.PathValue("id"))
}

func (t *Toolshed) replay(r *http.Request) (any, error) {
	var req api.ReplayRequest
	if err := read(r, &req); err != nil {
		return nil, err
	}
	return t.o.Manager.Replay(r.Context(), r.PathValue("id"), req)
}

func (t *Toolshed) update(r *http.Request) (any, error) {
	var req api.UpdateRequest
	if err := read(r, &req); err != nil {
		return nil, err
	}
	return t.o.Manager.Update(r.Context(), r.PathValue("space"), r.PathValue("charm"), req)
}
