package prelude_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"charmd/internal/jsontext"
	"charmd/internal/merkle"
)

// value is what is stored in a document; the second result is false where it has no value.
func (h *host) value(t testing.TB, id string) (any, bool) {
	t.Helper()
	if h.docs[id] == "" {
		return nil, false
	}
	form, err := jsontext.Parse([]byte(h.docs[id]), jsontext.DefaultLimits)
	check(t, err)
	return form.(*jsontext.Object).Get("value")
}

// write sets one value as a client would; aliases are followed, the order of keys is kept.
func (h *host) write(t testing.TB, id string, path []string, value any) {
	t.Helper()
	root, _ := h.value(t, id)
	at := root
	for i, key := range path {
		object := at.(*jsontext.Object)
		next, _ := object.Get(key)
		if target, rest, ok := pointer(next, "$alias"); ok {
			h.write(t, target, slices.Concat(rest, path[i+1:]), value)
			return
		}
		if i == len(path)-1 {
			v, err := jsontext.Parse([]byte(encoded(value)), jsontext.DefaultLimits)
			check(t, err)
			object.Set(key, v)
		}
		at = next
	}
	form, err := jsontext.Parse([]byte(h.docs[id]), jsontext.DefaultLimits)
	check(t, err)
	form.(*jsontext.Object).Set("value", root)
	h.docs[id] = jsontext.Text(form)
}

// pointer splits a link, or what is under wrapper in an alias, into document and path.
func pointer(v any, wrapper string) (id string, path []string, ok bool) {
	object, _ := v.(*jsontext.Object)
	get := func(key string) any {
		if object == nil {
			return nil
		}
		v, _ := object.Get(key)
		return v
	}
	if wrapper != "" {
		object, _ = get(wrapper).(*jsontext.Object)
	}
	keys, isPath := get("path").([]any)
	if object, _ = get("cell").(*jsontext.Object); !isPath {
		return "", nil, false
	}
	for _, key := range keys {
		path = append(path, fmt.Sprint(key))
	}
	id, ok = get("/").(string)
	return id, path, ok
}

// follow is the target of a link or an alias.
func follow(v any) (id string, path []string, ok bool) {
	if id, path, ok = pointer(v, "$alias"); !ok {
		id, path, ok = pointer(v, "")
	}
	return id, path, ok
}

// live is the value at path of a document as a reader sees it, links and aliases followed; false
// where nothing is stored.
func (h *host) live(t testing.TB, id string, path []string) (any, bool) {
	t.Helper()
	h.nested++
	defer func() { h.nested-- }()
	if h.nested > 100 {
		t.Fatalf("links go in circles: %v", h.docs)
	}
	at, ok := h.value(t, id)
	for i := 0; ok; i++ {
		if target, rest, isLink := follow(at); isLink {
			return h.live(t, target, slices.Concat(rest, path[i:]))
		}
		if i == len(path) {
			return h.seen(t, at), true
		}
		switch container := at.(type) {
		case *jsontext.Object:
			at, ok = container.Get(path[i])
		case []any:
			index, err := strconv.Atoi(path[i])
			if ok = err == nil && index < len(container); ok {
				at = container[index]
			}
		default:
			ok = false
		}
	}
	return nil, false
}

// seen is a stored value with everything linked in it put in its place, in the form of encoding/json.
func (h *host) seen(t testing.TB, v any) any {
	t.Helper()
	member := func(v any) (any, bool) {
		if target, path, ok := follow(v); ok {
			return h.live(t, target, path)
		}
		return h.seen(t, v), true
	}
	switch v := v.(type) {
	case *jsontext.Object:
		out := map[string]any{}
		for key, field := range v.All() {
			if value, ok := member(field); ok {
				out[key] = value
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i], _ = member(item)
		}
		return out
	}
	return v
}

// raw is a stored value as it is, in the form of encoding/json.
func (h *host) raw(t testing.TB, id string) any {
	t.Helper()
	stored, _ := h.value(t, id)
	var v any
	decode(t, jsontext.Text(stored), &v)
	return v
}

func processID(name string) string { return merkle.ProcessID(charmID(name)).Link() }

// result is the charm's result without its page.
func (h *host) result(t testing.TB, name string) any {
	t.Helper()
	value, _ := h.live(t, charmID(name).Link(), nil)
	if object, ok := value.(map[string]any); ok {
		delete(object, "$UI")
	}
	return value
}
