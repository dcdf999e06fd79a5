package toolshed

import (
	"net/http"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
)

// registerInBackground is POST /api/integrations/bg (runtime spec §5): the body
// is JSON whatever its Content-Type says. Registering again is a success.
func (t *Toolshed) registerInBackground(w http.ResponseWriter, r *http.Request) {
	type reply struct {
		Success bool   `json:"success"`
		Message string `json:"message,omitempty"`
		Error   string `json:"error,omitempty"`
	}
	body, err := readBody(r)
	var req struct{ CharmID, Space, Integration string }
	if err == nil {
		err = jsontext.Decode(body, &req)
	}
	if err == nil {
		err = t.o.Manager.Register(r.Context(), req.Space, req.CharmID, req.Integration)
	}
	if err != nil {
		t.o.Logger.Warn("a registration was refused", "err", err)
		problem := "Failed to process background integration request"
		if e, ok := asCharmError(err); ok && e.Code != charm.CodeInternal {
			problem += ": " + e.Message
		}
		writeJSON(w, http.StatusBadRequest, reply{Error: problem})
		return
	}
	writeJSON(w, http.StatusOK, reply{Success: true, Message: "success"})
}
