package manager

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"

	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/outlet"
	"charmd/internal/store"
)

// published is what is kept of a secret link: not its key, so that who reads the
// database cannot open it.
type published struct {
	Sum  [sha256.Size]byte `json:"sum"`
	Path []string          `json:"path"` // of the cell, from the charm's result
}

func publishedKey(c charm.Charm) string { return "published " + c.Space + "/" + c.ID }

// cellsOfItems are where charms keep their items, in the order they are looked for.
var cellsOfItems = []string{"items", "events", "messages", "recent", "mails"}

// Publish makes the secret link to a cell of the charm, in the place of an earlier
// one: at the path from its result, without one where charms keep their items. link is
// the address of the charm, to which an ending and the key are added.
func (m *Manager) Publish(ctx context.Context, space, name string, path []string) (link, key string, at []string, err error) {
	key = rand.Text()
	err = m.store.Update(ctx, func(tx store.Tx) error {
		c, err := find(tx, space, name)
		if err != nil {
			return err
		}
		s, err := tx.Space(c.Space)
		if err != nil {
			return err
		}
		if at, err = listCell(cell.NewSnapshot(tx, s), c, path); err != nil {
			return err
		}
		link = m.charmURL(c)
		text, err := json.Marshal(published{sha256.Sum256([]byte(key)), at})
		if err != nil {
			return err
		}
		return tx.SetValue(publishedKey(c), string(text))
	})
	return link, key, at, err
}

// listCell is the path of a cell that holds a list.
func listCell(docs cell.Documents, c charm.Charm, path []string) ([]string, error) {
	tries := [][]string{path}
	if len(path) == 0 {
		tries = nil
		for _, name := range cellsOfItems {
			tries = append(tries, []string{name})
		}
	}
	for _, at := range tries {
		_, v, exists, err := cell.Resolve(docs, result(c, at), true)
		if err != nil {
			return nil, err
		}
		if _, ok := v.([]any); ok && exists {
			return at, nil
		}
	}
	return nil, charm.Errorf(charm.CodeInvalid, "%s has no list of items there", c.Ref()).
		WithHint("see what it has with: charmd show %s; then: charmd publish %s --cell PATH", c.Ref(), c.Ref())
}

// Unpublish ends the secret link of a charm.
func (m *Manager) Unpublish(ctx context.Context, space, name string) error {
	return m.store.Update(ctx, func(tx store.Tx) error {
		c, err := find(tx, space, name)
		if err != nil {
			return err
		}
		if text, err := tx.Value(publishedKey(c)); err != nil || text == "" {
			return charm.Errorf(charm.CodeNotFound, "%s has no secret link", c.Ref()).WithHint("charmd publish %s makes one", c.Ref())
		}
		return tx.SetValue(publishedKey(c), "")
	})
}

// Published is what the holder of a key gets of a charm. That there is no such charm,
// that it has no link, that the key is wrong: the error is the same.
func (m *Manager) Published(ctx context.Context, space, name, key string) (s outlet.Source, err error) {
	sum := sha256.Sum256([]byte(key))
	nothing := charm.Errorf(charm.CodeNotFound, "there is nothing at this address")
	err = m.view(ctx, space, name, func(r store.Reader, c charm.Charm, docs *cell.Snapshot) error {
		text, err := r.Value(publishedKey(c))
		if err != nil {
			return err
		}
		var p published
		if text == "" || json.Unmarshal([]byte(text), &p) != nil || subtle.ConstantTimeCompare(p.Sum[:], sum[:]) != 1 {
			return nothing
		}
		v, _, err := cell.Export(docs, result(c, p.Path))
		if err != nil {
			return err
		}
		if list, ok := v.([]any); ok {
			v = list[:min(len(list), outlet.Most)]
		}
		state, err := r.State(c.Row)
		if err != nil {
			return err
		}
		s = outlet.Source{ID: c.ID, Title: c.Ref(), URL: m.charmURL(c), Items: jsontext.Append(nil, v), Made: c.CreatedAt, Ran: state.LastExecuted}
		return nil
	})
	if charm.CodeOf(err) == charm.CodeNotFound {
		return s, nothing
	}
	return s, err
}
