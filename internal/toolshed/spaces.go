package toolshed

import (
	"errors"
	"io"
	"net/http"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
)

const spacesPath = "/api/v1/spaces"

func (t *Toolshed) spaceRoutes() {
	const one = spacesPath + "/{space}"
	t.handle("GET "+spacesPath, func(r *http.Request) (any, error) { return t.o.Manager.Spaces(r.Context()) })
	t.handle("POST "+spacesPath, t.importSpace)
	t.handle("GET "+one, func(r *http.Request) (any, error) { return t.o.Manager.Space(r.Context(), r.PathValue("space")) })
	t.mux.HandleFunc("GET "+one+"/export", t.exportSpace)
	t.handle("PUT "+one+"/access/{who}", func(r *http.Request) (any, error) {
		var req api.Grant
		if err := read(r, &req); err != nil {
			return nil, err
		}
		return t.o.Manager.Grant(r.Context(), r.PathValue("space"), r.PathValue("who"), req.Right)
	})
	t.handle("DELETE "+one+"/access/{who}", func(r *http.Request) (any, error) {
		return t.o.Manager.Revoke(r.Context(), r.PathValue("space"), r.PathValue("who"))
	})
}

// bodyLimit is how much of a request's body is read: of a space that is imported
// one byte more than may be, so that its reader can say so.
func bodyLimit(r *http.Request) int64 {
	if r.Method == http.MethodPost && r.URL.Path == spacesPath {
		return charm.MaxSpaceFileBytes + 1
	}
	return maxBody
}

func (t *Toolshed) importSpace(r *http.Request) (any, error) {
	q := r.URL.Query()
	done, err := t.o.Manager.Import(r.Context(), q.Get("space"), q.Get("register") == "true", r.Body)
	if err != nil {
		_, _ = io.Copy(io.Discard, r.Body) // a client that is still sending would not read the answer
	}
	return done, err
}

// exportTime is how long a client may take to receive a space: meanwhile the
// database keeps the moment that is exported.
const exportTime = 10 * time.Minute

// exportSpace sends a space while it is read. When that fails after it has begun,
// the connection is cut: the file then lacks its last line.
func (t *Toolshed) exportSpace(w http.ResponseWriter, r *http.Request) {
	err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(exportTime))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		t.fail(w, r, err)
		return
	}
	out := &begun{ResponseWriter: w}
	w.Header().Set("Content-Type", "application/x-ndjson")
	err = t.o.Manager.Export(r.Context(), r.PathValue("space"), out)
	switch {
	case err != nil && out.any:
		t.o.Logger.Warn("the export of a space ended early", "space", r.PathValue("space"), "err", err)
		panic(http.ErrAbortHandler)
	case err != nil:
		t.fail(w, r, err)
	}
}

// begun knows whether a part of the answer is on its way.
type begun struct {
	http.ResponseWriter
	any bool
}

func (b *begun) Write(p []byte) (int, error) {
	b.any = true
	return b.ResponseWriter.Write(p)
}
