package toolshed

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"charmd/internal/api"
	"charmd/internal/outlet"
)

func (t *Toolshed) publishRoutes() {
	const one = "/api/v1/charms/{space}/{charm}/publish"
	t.handle("POST "+one, func(r *http.Request) (any, error) {
		var req api.PublishRequest
		if err := read(r, &req); err != nil {
			return nil, err
		}
		link, key, cell, err := t.o.Manager.Publish(r.Context(), r.PathValue("space"), r.PathValue("charm"), req.Cell)
		made := api.Published{Cell: cell, Links: map[string]string{}}
		for _, format := range outlet.Formats {
			made.Links[format] = link + "." + format + "?key=" + key
		}
		return made, err
	})
	t.handle("DELETE "+one, func(r *http.Request) (any, error) {
		return struct{}{}, t.o.Manager.Unpublish(r.Context(), r.PathValue("space"), r.PathValue("charm"))
	})
	t.mux.HandleFunc(charmRoute, t.page)
}

// charmRoute is where a charm is seen, and what is published of it.
const charmRoute = "GET /{space}/{charm}"

// secretLink takes the address of something published apart: /SPACE/CHARM.FORMAT?key=.
func secretLink(r *http.Request) (space, charm, format, key string, ok bool) {
	parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/") // as the mux reads it
	key = r.URL.Query().Get("key")
	if len(parts) != 2 || key == "" || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return "", "", "", "", false
	}
	dot := strings.LastIndexByte(parts[1], '.')
	if dot < 0 || !slices.Contains(outlet.Formats, parts[1][dot+1:]) {
		return "", "", "", "", false
	}
	space, errSpace := url.PathUnescape(parts[0])
	charm, errCharm := url.PathUnescape(parts[1][:dot])
	return space, charm, parts[1][dot+1:], key, errSpace == nil && errCharm == nil
}

// isSecretLink lets such a request pass without the token: its key is judged by page.
func isSecretLink(r *http.Request) bool {
	_, _, _, _, ok := secretLink(r)
	return ok
}

// page answers with a charm, or under a secret link with its items.
func (t *Toolshed) page(w http.ResponseWriter, r *http.Request) {
	space, name, format, key, ok := secretLink(r)
	if !ok {
		t.charmPage(w, r)
		return
	}
	source, err := t.o.Manager.Published(r.Context(), space, name, key)
	var text []byte
	var kind string
	if err == nil {
		text, kind, err = outlet.Write(source, format)
	}
	if err != nil {
		t.fail(w, r, err)
		return
	}
	sum := sha256.Sum256(text)
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Referrer-Policy", "no-referrer") // the address is the secret
	h.Set("X-Robots-Tag", "noindex")
	h.Set("X-Content-Type-Options", "nosniff")
	if slices.Contains(strings.Split(r.Header.Get("If-None-Match"), ", "), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", kind)
	_, _ = w.Write(text) // the reader may be gone
}
