package pages

import "net/http"

// Charm is the page of a charm: its frame, which the script fills with what the
// charm shows.
func (p *Pages) Charm(w http.ResponseWriter, r *http.Request, space, name string) {
	c, err := p.o.Manager.Find(r.Context(), space, name)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	// A provider's page that is opened from here may lead back to ours, which tells this one.
	w.Header().Set("Cross-Origin-Opener-Policy", "same-origin-allow-popups")
	page := Page{Title: c.Ref(), Scripts: []string{"charm.js"}, Styles: []string{"charm.css"}}
	p.show(w, r, http.StatusOK, page, "charm", c)
}
