package manager

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// argument is where a charm's argument begins, in its process document.
func argument(c charm.Charm, path ...string) (cell.Location, error) {
	id, err := merkle.ParseLink(c.ID)
	return cell.Location{ID: merkle.ProcessID(id).Link(), Path: append([]string{"argument"}, path...)}, err
}

// Argument is a charm's argument as people read it, links followed; {} when it has
// none.
func (m *Manager) Argument(ctx context.Context, space, name string) (json.RawMessage, error) {
	out := json.RawMessage("{}")
	err := m.view(ctx, space, name, func(_ store.Reader, c charm.Charm, docs *cell.Snapshot) error {
		at, err := argument(c)
		if err != nil {
			return err
		}
		v, exists, err := cell.Export(docs, at)
		if exists {
			out = jsontext.Append(nil, v)
		}
		return err
	})
	return out, err
}

// SetArgument writes the members of a charm's argument that differ from what they
// were before, as Argument gave it; what others wrote meanwhile to other members
// stays, and so do links in them.
func (m *Manager) SetArgument(ctx context.Context, space, name string, before, after []byte) error {
	old, err := members("the argument as it was", before)
	if err != nil {
		return err
	}
	wanted, err := members("the argument", after)
	if err != nil {
		return err
	}
	for key := range old.All() {
		if _, kept := wanted.Get(key); !kept {
			return charm.Errorf(charm.CodeInvalid, "%q is missing: no member of an argument can be taken away", key).WithHint("to empty it, make it null")
		}
	}
	return m.write(ctx, space, name, "the argument", func(c charm.Charm, docs *cell.Snapshot) (changed []string, err error) {
		for key, v := range wanted.All() {
			if was, had := old.Get(key); had && jsontext.Equal(was, v) {
				continue
			}
			at, err := argument(c, key)
			if err != nil {
				return nil, err
			}
			id, doc, err := cell.Set(docs, at, v)
			if err != nil {
				return nil, err
			}
			docs.Put(id, doc)
			if !slices.Contains(changed, id) {
				changed = append(changed, id)
			}
		}
		return changed, nil
	})
}

func members(what string, text []byte) (*jsontext.Object, error) {
	v, err := jsontext.Parse(text, jsontext.DefaultLimits)
	if err != nil {
		return nil, charm.Errorf(charm.CodeInvalid, "%s is not JSON: %w", what, err)
	}
	o, ok := v.(*jsontext.Object)
	if !ok {
		return nil, charm.Errorf(charm.CodeInvalid, "%s is not a JSON object", what)
	}
	return o, nil
}

// mostWriteTries bounds how often write starts over because another writer was
// faster.
const mostWriteTries = 50

// write changes documents of a charm as a client's transaction would: the changes
// are made for the documents as they are, and made again when those changed. fn
// puts them into the snapshot and returns the ids.
func (m *Manager) write(ctx context.Context, space, name, what string, fn func(charm.Charm, *cell.Snapshot) ([]string, error)) error {
	for range mostWriteTries {
		var c charm.Charm
		var draft *memory.Draft
		err := m.view(ctx, space, name, func(_ store.Reader, found charm.Charm, docs *cell.Snapshot) error {
			c = found
			ids, err := fn(c, docs)
			if err != nil || len(ids) == 0 {
				return err
			}
			var changes []memory.Change
			for _, id := range ids {
				doc, err := docs.Document(id)
				if err != nil {
					return err
				}
				v := docs.Version(id)
				changes = append(changes, memory.Assert(v.Of, v.Cause(), doc))
			}
			draft, err = memory.NewDraft(docs.Space(), m.memory.Issuer(), changes, nil, m.now())
			return err
		})
		if err != nil || draft == nil {
			return err
		}
		_, err = m.transact(ctx, draft)
		if err == nil {
			return m.queue.TryAfterChange(ctx, c.Row)
		}
		if _, ok := errors.AsType[*memory.Conflict](err); !ok {
			return err
		}
	}
	return charm.Errorf(charm.CodeConflict, "other writers kept changing %s, %d times", what, mostWriteTries).WithHint("try again")
}
