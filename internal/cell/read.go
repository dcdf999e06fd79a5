package cell

import (
	"slices"
	"strconv"
	"strings"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
)

// step is the member key of v.
func step(v any, key string) (any, bool) {
	switch v := v.(type) {
	case *jsontext.Object:
		return v.Get(key)
	case []any:
		i, err := strconv.Atoi(key)
		if err != nil || i < 0 || i >= len(v) || strconv.Itoa(i) != key {
			return nil, false
		}
		return v[i], true
	}
	return nil, false
}

// Resolve follows aliases and links along at until it stands on a value that is
// neither, or on nothing. last says whether a pointer in the last place is
// followed too. It returns where it stands and what is there.
func Resolve(docs Documents, at Location, last bool) (to Location, value any, exists bool, err error) {
	hops := 0
	for {
		doc, err := docs.Document(at.ID)
		if err != nil {
			return at, nil, false, err
		}
		var v any
		has := false
		if doc != nil {
			v, has = doc.Get("value")
		}
		depth, moved := 0, false
		for {
			if to, ok := Pointer(v, at.ID); has && ok && (last || depth < len(at.Path)) {
				if hops++; hops > MaxHops {
					return at, nil, false, tooManyHops(at)
				}
				at = Location{to.ID, slices.Concat(to.Path, at.Path[depth:])}
				moved = true
				break
			}
			if depth == len(at.Path) || !has {
				break
			}
			v, has = step(v, at.Path[depth])
			depth++
		}
		if !moved {
			return at, v, has && depth == len(at.Path), nil
		}
	}
}

func tooManyHops(at Location) error {
	return charm.Errorf(charm.CodeInvalid, "document %s leads through more than %d links", at.ID, MaxHops)
}

// The limits of one Export: links let a small document look endless.
const (
	MaxExport      = 1_000_000 // values
	MaxExportBytes = 32 << 20  // of texts
)

// Export is the value at a location as people read it: aliases and links are
// followed to MaxHops levels, streams and $UI are left out. A cycle ends as null.
func Export(docs Documents, at Location) (value any, exists bool, err error) {
	x := exporter{docs, &Allowance{MaxExport, MaxExportBytes}}
	return x.location(at, 0)
}

// Allowance is how much exports may still look at: values, also those that are
// left out, and bytes of texts.
type Allowance struct{ Values, Bytes int }

// ExportValue is Export of a value that stands in the document doc. What it looks
// at is taken off left; CodeTooLarge when that was not enough.
func ExportValue(docs Documents, doc string, v any, left *Allowance) (value any, exists bool, err error) {
	x := exporter{docs, left}
	return x.value(Location{ID: doc}, v, 0)
}

type exporter struct {
	docs Documents
	left *Allowance
}

func (x *exporter) location(at Location, level int) (any, bool, error) {
	at, v, exists, err := Resolve(x.docs, at, true)
	if err != nil || !exists {
		return nil, false, err
	}
	return x.value(at, v, level)
}

func (x *exporter) value(at Location, v any, level int) (any, bool, error) {
	if text, ok := v.(string); ok {
		x.left.Bytes -= len(text)
	}
	if x.left.Values--; x.left.Values < 0 || x.left.Bytes < 0 {
		return nil, false, charm.Errorf(charm.CodeTooLarge, "what document %s links to is more values or text than are read at once", at.ID).
			WithHint("ask for a part of it by its path")
	}
	if IsStream(v) {
		return nil, false, nil
	}
	if to, ok := Pointer(v, at.ID); ok {
		if level >= MaxHops {
			return nil, true, nil
		}
		return x.location(to, level+1)
	}
	switch v := v.(type) {
	case *jsontext.Object:
		out := jsontext.NewObject()
		for k, e := range v.All() {
			if k == "$UI" {
				continue
			}
			inner, keep, err := x.value(at, e, level)
			if err != nil {
				return nil, false, err
			}
			if keep {
				out.Set(k, inner)
			}
		}
		return out, true, nil
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			inner, _, err := x.value(at, e, level)
			if err != nil {
				return nil, false, err
			}
			out[i] = inner
		}
		return out, true, nil
	}
	return v, true, nil
}

// ParsePath reads a path as people write it: keys between slashes or dots.
func ParsePath(s string) []string {
	s = strings.Trim(s, "/")
	if s == "" {
		return nil
	}
	sep := "/"
	if !strings.Contains(s, "/") {
		sep = "."
	}
	return strings.Split(s, sep)
}
