package toolshed

import "net/http"

// charmPage answers a browser with a charm's page, programs with what it shows.
func (t *Toolshed) charmPage(w http.ResponseWriter, r *http.Request) {
	if wantsPage(r) {
		t.o.Pages.Charm(w, r, r.PathValue("space"), r.PathValue("charm"))
		return
	}
	v, err := t.show(r)
	if err != nil {
		t.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, v)
}

// keepPage keeps a charm's page up to date over a WebSocket.
func (t *Toolshed) keepPage(w http.ResponseWriter, r *http.Request) {
	if err := t.o.Live.Serve(w, r, r.PathValue("space"), r.PathValue("charm")); err != nil {
		t.fail(w, r, err)
	}
}
