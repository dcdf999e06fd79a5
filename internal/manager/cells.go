package manager

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
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

// mostSetTries bounds how often Set starts over because another writer was faster.
const mostSetTries = 50

// Set writes one value of a charm's cell as a client's transaction would: it is
// made for the documents as they are, and made again when they changed.
func (m *Manager) Set(ctx context.Context, space, name string, path []string, text []byte) error {
	if len(path) == 0 {
		return charm.Errorf(charm.CodeInvalid, "a path is needed: the result as a whole cannot be replaced").WithHint("name a cell, like: charmd set %s/%s value 5", space, name)
	}
	value, err := jsontext.Parse(text, jsontext.DefaultLimits)
	if err != nil {
		return charm.Errorf(charm.CodeInvalid, "the value is not JSON: %w", err).WithHint(`texts are quoted: '"like this"'`)
	}
	for range mostSetTries {
		var c charm.Charm
		var draft *memory.Draft
		err = m.view(ctx, space, name, func(_ store.Reader, found charm.Charm, docs *cell.Snapshot) error {
			c = found
			id, doc, err := cell.Set(docs, result(c, path), value)
			if err != nil {
				return err
			}
			v := docs.Version(id)
			draft, err = memory.NewDraft(docs.Space(), m.memory.Issuer(), []memory.Change{memory.Assert(v.Of, v.Cause(), doc)}, nil, m.now())
			return err
		})
		if err != nil {
			return err
		}
		_, err = m.memory.Transact(ctx, draft)
		if err == nil {
			return m.queue.TryAfterChange(ctx, c.Row)
		}
		if _, ok := errors.AsType[*memory.Conflict](err); !ok {
			return err
		}
	}
	return charm.Errorf(charm.CodeConflict, "other writers kept changing %s, %d times", strings.Join(path, "/"), mostSetTries).WithHint("try again")
}
