package pages

import (
	"net/http"

	"charmd/internal/api"
)

// home is the data of the page of all charms.
type home struct {
	Charms []api.Charm
}

func (p *Pages) home(w http.ResponseWriter, r *http.Request) {
	list, err := p.o.Manager.List(r.Context(), "")
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.show(w, r, http.StatusOK, Page{Title: "Charms"}, "home", home{list})
}
