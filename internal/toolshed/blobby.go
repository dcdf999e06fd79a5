package toolshed

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"charmd/internal/api"
	"charmd/internal/blobby"
	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory/frames"
)

// blobbyPath is where clients keep JSON under keys of their choice (memory spec §8).
const (
	blobbyPath   = "/api/storage/blobby"
	putBlobRoute = "POST " + blobbyPath + "/{key}"
)

func (t *Toolshed) blobbyRoutes() {
	t.handleBlob("GET "+blobbyPath, t.listBlobs)
	t.handleBlob("GET "+blobbyPath+"/{key}", t.getBlob)
	t.handleBlob("GET "+blobbyPath+"/{key}/{path...}", t.getBlob)
	t.handleBlob(putBlobRoute, t.putBlob)
	t.handleBlob("DELETE "+blobbyPath+"/{key}", t.deleteBlob)
	t.mux.HandleFunc(blobbyPath+"/", func(w http.ResponseWriter, r *http.Request) {
		writeValue(w, http.StatusNotFound, member("message", "Not Found - "+r.URL.EscapedPath()))
	})
}

// openBlob reports whether a request that goes to route needs no token: the
// original's clients read recipes without one, and a recipe's key says what is in
// it. In --dev all blobs are open, as the original's are.
func (t *Toolshed) openBlob(r *http.Request, route string) bool {
	at := route[max(strings.Index(route, "/"), 0):]
	if at != blobbyPath && !strings.HasPrefix(at, blobbyPath+"/") {
		return false
	}
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	return t.o.Dev || reads && blobby.ByContent(segment(r, blobbyPath))
}

// signedRecipe reports whether the request stores a recipe for somebody who may
// write the system space and has signed that: another charmd, whose charms live
// here. The recipe's key says what is in it, so the content need not be signed.
func (t *Toolshed) signedRecipe(r *http.Request, route string) bool {
	key, text := segment(r, blobbyPath), r.Header.Get(frames.InvocationHeader)
	if route != putBlobRoute || text == "" || t.o.Signed == nil || !blobby.ByContent(key) {
		return false
	}
	request, err := t.o.Signed(text, frames.PutBlob)
	if err != nil || request.Sub != identity.SystemSpaceDID {
		return false
	}
	named, _ := request.Args.Get("key")
	return named == key
}

// handleBlob answers with the value fn returns, as JavaScript prints it, and with
// errors in the form clients of blobs know.
func (t *Toolshed) handleBlob(pattern string, fn func(*http.Request) (any, error)) {
	t.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		v, err := fn(r)
		if err == nil {
			writeValue(w, http.StatusOK, v)
			return
		}
		e, ok := asCharmError(err)
		if !ok {
			t.fail(w, r, err)
			return
		}
		writeValue(w, api.ProblemOf(e).Status(), member("error", e.Message))
	})
}

func member(key string, v any) *jsontext.Object {
	o := jsontext.NewObject()
	o.Set(key, v)
	return o
}

// writeValue answers with JSON, or with the text of a value that is neither object
// nor array. To the original's clients that text is JavaScript, whoever wrote it: in
// a browser it has no origin, and our pages take no script from here.
func writeValue(w http.ResponseWriter, status int, v any) {
	kind, body := "application/json", []byte(nil)
	switch v := v.(type) {
	case string:
		kind, body = "application/javascript", []byte(jsontext.WellFormed(v))
	case *jsontext.Object, []any:
		body = jsontext.Append(nil, v)
	default:
		kind, body = "application/javascript", jsontext.Append(nil, v)
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Security-Policy", "sandbox; "+headers["Content-Security-Policy"])
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone, which is its own affair
}

func (t *Toolshed) listBlobs(r *http.Request) (any, error) {
	q := r.URL.Query()
	query := blobby.Query{Prefix: q.Get("prefix"), Search: q.Get("search")}
	if keys := q.Get("keys"); keys != "" {
		query.Keys = strings.Split(keys, ",")
	}
	if query.Keys != nil || q.Has("allWithData") {
		return t.o.Blobs.Values(r.Context(), query)
	}
	keys, err := t.o.Blobs.Keys(r.Context(), query)
	list := make([]any, len(keys))
	for i, key := range keys {
		list[i] = key
	}
	return member("blobs", list), err
}

func (t *Toolshed) getBlob(r *http.Request) (any, error) {
	v, err := t.o.Blobs.Get(r.Context(), r.PathValue("key"))
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), blobbyPath+"/"), "/")
	if rest == "" {
		return v, nil
	}
	for part := range strings.SplitSeq(rest, "/") {
		key, err := url.PathUnescape(part)
		inner, ok := child(v, key)
		if err != nil || !ok {
			return nil, charm.Errorf(charm.CodeNotFound, "Path not found")
		}
		v = inner
	}
	return v, nil
}

// child is what an object or array holds at key.
func child(v any, key string) (any, bool) {
	switch v := v.(type) {
	case *jsontext.Object:
		return v.Get(key)
	case []any:
		i, err := strconv.Atoi(key)
		if err == nil && i >= 0 && i < len(v) && strconv.Itoa(i) == key {
			return v[i], true
		}
	}
	return nil, false
}

func (t *Toolshed) putBlob(r *http.Request) (any, error) {
	if t.o.Room != nil {
		if err := t.o.Room(); err != nil {
			return nil, err
		}
	}
	key := r.PathValue("key")
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	return member("key", key), t.o.Blobs.Put(r.Context(), key, body)
}

func (t *Toolshed) deleteBlob(r *http.Request) (any, error) {
	return member("success", true), t.o.Blobs.Delete(r.Context(), r.PathValue("key"))
}
