package manager

import (
	"context"
	"encoding/json"
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
		id, doc, err := cell.Set(docs, result(c, path), value)
		if err != nil {
			return nil, err
		}
		docs.Put(id, doc)
		return []string{id}, nil
	})
}
