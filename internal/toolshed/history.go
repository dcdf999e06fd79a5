package toolshed

import "net/http"

func (t *Toolshed) changes(r *http.Request) (any, error) {
	return t.o.Manager.Changes(r.Context(), r.PathValue("id"))
}

func (t *Toolshed) undo(r *http.Request) (any, error) {
	return t.o.Manager.Undo(r.Context(), r.PathValue("id"))
}
