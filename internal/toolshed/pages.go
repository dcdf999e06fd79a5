package toolshed

import "net/http"

// keepPage keeps a charm's page up to date over a WebSocket.
func (t *Toolshed) keepPage(w http.ResponseWriter, r *http.Request) {
	if err := t.o.Pages.Serve(w, r, r.PathValue("space"), r.PathValue("charm")); err != nil {
		t.fail(w, r, err)
	}
}
