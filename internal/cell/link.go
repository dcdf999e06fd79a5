package cell

import (
	"strconv"

	"charmd/internal/jsontext"
	"charmd/internal/merkle"
)

// Location is a place in a document: keys from its value downwards.
type Location struct {
	ID   string
	Path []string
}

// Link is the stored form of a link to the location.
func (l Location) Link() *jsontext.Object {
	path := make([]any, len(l.Path))
	for i, k := range l.Path {
		path[i] = k
	}
	o := jsontext.NewObject()
	o.Set("cell", Reference(l.ID))
	o.Set("path", path)
	return o
}

// Reference is the stored form of an entity id, {"/": id}.
func Reference(id string) *jsontext.Object {
	o := jsontext.NewObject()
	o.Set("/", id)
	return o
}

// ParseLink reads the parts of a link as they come from JSON; false when id is no
// entity id, or an element of path neither a text nor a number.
func ParseLink(id string, path []any) (Location, bool) {
	_, err := merkle.ParseLink(id)
	keys, ok := pathOf(path)
	return Location{id, keys}, ok && err == nil
}

// asLink reads v as a link, {"cell":{"/":id},"path":[…]}.
func asLink(v any) (Location, bool) {
	o, ok := v.(*jsontext.Object)
	if !ok {
		return Location{}, false
	}
	return linkOf(o)
}

func linkOf(o *jsontext.Object) (Location, bool) {
	c, hasCell := o.Get("cell")
	p, hasPath := o.Get("path")
	if !hasCell || !hasPath {
		return Location{}, false
	}
	id, okID := referenceID(c)
	path, okPath := pathOf(p)
	return Location{id, path}, okID && okPath
}

// asAlias reads v as an alias, {"$alias":{"path":[…],"cell"?}}; one without a
// cell points into the document it stands in.
func asAlias(v any, doc string) (Location, bool) {
	o, ok := v.(*jsontext.Object)
	if !ok {
		return Location{}, false
	}
	a, ok := o.Get("$alias")
	if !ok {
		return Location{}, false
	}
	body, ok := a.(*jsontext.Object)
	if !ok {
		return Location{}, false
	}
	p, _ := body.Get("path")
	path, ok := pathOf(p)
	if !ok {
		return Location{}, false
	}
	if c, has := body.Get("cell"); has {
		if doc, ok = referenceID(c); !ok {
			return Location{}, false
		}
	}
	return Location{doc, path}, true
}

// pointer reads v as an alias or a link.
func pointer(v any, doc string) (Location, bool) {
	if to, ok := asAlias(v, doc); ok {
		return to, true
	}
	return asLink(v)
}

func isStream(v any) bool {
	o, ok := v.(*jsontext.Object)
	if !ok {
		return false
	}
	_, ok = o.Get("$stream")
	return ok
}

// referenceID reads {"/": id} where id is a well-formed entity id.
func referenceID(v any) (string, bool) {
	o, ok := v.(*jsontext.Object)
	if !ok {
		return "", false
	}
	s, _ := o.Get("/")
	id, ok := s.(string)
	if !ok {
		return "", false
	}
	_, err := merkle.ParseLink(id)
	return id, err == nil
}

// pathOf reads path elements, which are strings or numbers and compare as strings.
func pathOf(v any) ([]string, bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	path := make([]string, len(list))
	for i, e := range list {
		switch e := e.(type) {
		case string:
			path[i] = e
		case float64:
			path[i] = strconv.FormatFloat(e, 'f', -1, 64)
		default:
			return nil, false
		}
	}
	return path, true
}

// Rehome makes the links in v that name the space from name the space to, in
// place, and reports whether there were any.
func Rehome(v any, from, to string) (changed bool) {
	switch v := v.(type) {
	case *jsontext.Object:
		if _, ok := linkOf(v); ok {
			if space, _ := v.Get("space"); space == from {
				v.Set("space", to)
				return true
			}
			return false
		}
		for _, e := range v.All() {
			changed = Rehome(e, from, to) || changed
		}
	case []any:
		for _, e := range v {
			changed = Rehome(e, from, to) || changed
		}
	}
	return changed
}

// Members are the ids of the documents that the elements of list documents are
// links to, such as a space's lists of charms.
func Members(docs Documents, lists ...string) (map[string]bool, error) {
	members := map[string]bool{}
	for _, id := range lists {
		_, v, _, err := Resolve(docs, Location{ID: id}, true)
		if err != nil {
			return nil, err
		}
		elements, _ := v.([]any)
		for _, e := range elements {
			if to, ok := asLink(e); ok {
				members[to.ID] = true
			}
		}
	}
	return members, nil
}

// Process is the id of a charm's process document: its result document's source,
// or what its id makes of it (runtime spec §3.3).
func Process(docs Documents, charmID string) (string, error) {
	id, err := merkle.ParseLink(charmID)
	if err != nil {
		return "", err
	}
	doc, err := docs.Document(charmID)
	if err != nil {
		return "", err
	}
	if doc != nil {
		source, _ := doc.Get("source")
		if from, ok := referenceID(source); ok {
			return from, nil
		}
	}
	return merkle.ProcessID(id).Link(), nil
}
