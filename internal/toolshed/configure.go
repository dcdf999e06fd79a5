package toolshed

import (
	"net/http"

	"charmd/internal/api"
)

func (t *Toolshed) configure(r *http.Request) (any, error) {
	var req api.ConfigureRequest
	if err := read(r, &req); err != nil {
		return nil, err
	}
	return t.o.Manager.Configure(r.Context(), r.PathValue("space"), r.PathValue("charm"), req)
}
