package toolshed

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"charmd/internal/api"
	"charmd/internal/blobby"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
)

// blobbyPath is where clients keep JSON under keys of their choice (memory spec §8).
const blobbyPath = "/api/storage/blobby"

func (t *Toolshed) blobbyRoutes() {
	t.handleBlob("GET "+blobbyPath, t.listBlobs)
	t.handleBlob("GET "+blobbyPath+"/{key}", t.getBlob)
	t.handleBlob("GET "+blobbyPath+"/{key}/{path...}", t.getBlob)
	t.handleBlob("POST "+blobbyPath+"/{key}", t.putBlob)
	t.handleBlob("DELETE "+blobbyPath+"/{key}", t.deleteBlob)
	t.mux.HandleFunc(blobbyPath+"/", func(w http.ResponseWriter, r *http.Request) {
		writeValue(w, http.StatusNotFound, member("message", "Not Found - "+r.URL.EscapedPath()))
	})
}

// openBlob reports whether the request needs no token: the original's clients
// read recipes without one, and a recipe's key says what is in it. In --dev all
// blobs are open, as the original's are.
func (t *Toolshed) openBlob(r *http.Request) bool {
	rest, ok := strings.CutPrefix(r.URL.Path, blobbyPath)
	if !ok || rest != "" && rest[0] != '/' {
		return false
	}
	key, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	return t.o.Dev || reads && blobby.ByContent(key)
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
// nor array.
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
