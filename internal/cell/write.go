package cell

import (
	"strconv"
	"strings"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
)

// Set makes v the value at a location, following aliases and links along the
// way and an alias in the last place (runtime spec §3.6). A link in the last
// place is replaced. It returns the id of the document that changed and its new
// stored form; the caller commits it.
func Set(docs Documents, at Location, v any) (id string, doc *jsontext.Object, err error) {
	to, err := target(docs, at)
	if err != nil {
		return "", nil, err
	}
	old, err := docs.Document(to.ID)
	if err != nil {
		return "", nil, err
	}
	doc = jsontext.NewObject()
	if old != nil {
		doc = jsontext.Clone(old).(*jsontext.Object)
	}
	value, _ := doc.Get("value")
	value, err = put(value, to.Path, v)
	if err != nil {
		return "", nil, charm.Errorf(charm.CodeInvalid, "%s of document %s: %w", strings.Join(to.Path, "/"), to.ID, err)
	}
	doc.Set("value", value)
	return to.ID, doc, nil
}

// target is where a write to at ends up.
func target(docs Documents, at Location) (Location, error) {
	for range MaxHops {
		to, current, exists, err := Resolve(docs, at, false)
		if err != nil {
			return at, err
		}
		alias, ok := asAlias(current, to.ID)
		if !exists || !ok {
			return to, nil
		}
		at = alias
	}
	return at, tooManyHops(at)
}

// put returns v with the place at path set; missing objects on the way are made.
func put(v any, path []string, x any) (any, error) {
	if len(path) == 0 {
		return x, nil
	}
	switch v := v.(type) {
	case nil:
		o := jsontext.NewObject()
		inner, err := put(nil, path[1:], x)
		o.Set(path[0], inner)
		return o, err
	case *jsontext.Object:
		old, _ := v.Get(path[0])
		inner, err := put(old, path[1:], x)
		v.Set(path[0], inner)
		return v, err
	case []any:
		i, err := strconv.Atoi(path[0])
		if err != nil || i < 0 || i > len(v) {
			return nil, charm.Errorf(charm.CodeInvalid, "%q is not an index of a list of %d", path[0], len(v))
		}
		if i == len(v) {
			v = append(v, nil)
		}
		v[i], err = put(v[i], path[1:], x)
		return v, err
	}
	return nil, charm.Errorf(charm.CodeInvalid, "there is no %q inside a plain value", path[0])
}
