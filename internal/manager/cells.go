package manager

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/store"
)

// Get is the value of a charm's cell, by its path from the result.
func (m *Manager) Get(ctx context.Context, space, name string, path []string) (json.RawMessage, error) {
	var out json.RawMessage
	err := m.view(ctx, space, name, func(_ store.Reader, c charm.Charm, docs *cell.Snapshot) error {
		v, exists, err := cell.Export(docs, result(c, path))
		if err != nil {
			return err
		}
		if !exists {
			return charm.Errorf(charm.CodeNotFound, "%s has no value at %s", c.Ref(), strings.Join(path, "/"))
		}
		out = jsontext.Append(nil, v)
		return nil
	})
	return out, err
}

// Set writes one value of a charm's cell as a client's transaction would.
func (m *Manager) Set(ctx context.Context, space, name string, path []string, text []byte) error {
	if len(path) == 0 {
		return charm.Errorf(charm.CodeInvalid, "a path is needed: the result as a whole cannot be replaced").WithHint("name a cell, like: charmd set %s/%s value 5", space, name)
	}
	value, err := jsontext.Parse(text, jsontext.DefaultLimits)
	if err != nil {
		return charm.Errorf(charm.CodeInvalid, "the value is not JSON: %w", err).WithHint(`texts are quoted: '"like this"'`)
	}
	return m.write(ctx, space, name, strings.Join(path, "/"), func(c charm.Charm, docs *cell.Snapshot) ([]string, error) {
		if err := settable(c, docs, path); err != nil {
			return nil, err
		}
		id, doc, err := cell.Set(docs, result(c, path), value)
		if err != nil {
			return nil, err
		}
		docs.Put(id, doc)
		return []string{id}, nil
	})
}

// settable refuses what nobody can mean: a key that the result does not have, which no
// recipe would read, and a stream, which takes events and holds nothing.
func settable(c charm.Charm, docs *cell.Snapshot, path []string) error {
	_, whole, _, err := cell.Resolve(docs, result(c, nil), true)
	if err != nil {
		return err
	}
	if o, ok := whole.(*jsontext.Object); ok {
		if _, has := o.Get(path[0]); !has {
			return charm.Errorf(charm.CodeNotFound, "the result of %s has no %q", c.Ref(), path[0]).
				WithHint("it has: %s; the keys of a path are separated by slashes", strings.Join(slices.Sorted(maps.Keys(maps.Collect(o.All()))), ", "))
		}
	}
	_, now, _, err := cell.Resolve(docs, result(c, path), true)
	if err == nil && cell.IsStream(now) {
		err = charm.Errorf(charm.CodeInvalid, "%s of %s is a stream: it takes events and holds no value", strings.Join(path, "/"), c.Ref()).
			WithHint("charmd run %s sends one to its bgUpdater", c.Ref())
	}
	return err
}
