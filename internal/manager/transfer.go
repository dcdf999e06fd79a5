package manager

import (
	"context"
	"errors"
	"io"

	"charmd/internal/api"
	"charmd/internal/blobby"
	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/schedule"
	"charmd/internal/spacefile"
	"charmd/internal/store"
)

// Export writes a space as it is at one moment: its current facts, its charms and
// their recipes. Who may use it is not part of that.
func (m *Manager) Export(ctx context.Context, name string, to io.Writer) error {
	return m.store.View(ctx, func(r store.Reader) error {
		s, err := findSpace(r, name)
		if err != nil {
			return err
		}
		w := spacefile.NewWriter(to, spacefile.Header{DID: s.DID, Name: s.Name, Since: s.Since, At: m.now().UTC()})
		err = r.Heads(s.Row, store.Selector{Since: -1}, func(f store.Fact) bool {
			if f.Of != s.DID {
				w.Fact(f)
			}
			return w.Err() == nil
		})
		if err != nil {
			return err
		}
		if err := exportCharms(r, s, w); err != nil {
			return err
		}
		return w.End()
	})
}

// exportCharms writes the charms of a space, after the recipes that they are made
// of. One whose documents or recipe are not here could not be imported.
func exportCharms(r store.Reader, s charm.Space, w *spacefile.Writer) error {
	list, err := r.Charms(s.DID)
	if err != nil {
		return err
	}
	written := map[string]bool{}
	for _, c := range list {
		rec, err := blobby.Recipe(r, c.Recipe)
		if err == nil {
			_, err = r.Head(s.Row, memory.JSON, memory.Of(c.ID))
		}
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if !written[rec.ID] {
			w.Recipe(rec)
			written[rec.ID] = true
		}
		w.Charm(c)
	}
	return nil
}

// Import makes a space of a file that Export wrote, under the name or DID given or
// else its own, in one transaction: all of it or nothing. With register its charms
// run in the background as they did, with the private hosts they might reach.
func (m *Manager) Import(ctx context.Context, name string, register bool, from io.Reader) (api.Imported, error) {
	if m.memory.Copies() {
		return api.Imported{}, charm.Errorf(charm.CodeRemoteToolshed, "spaces are imported where they live, and that is another toolshed").
			WithHint("run charmd space import there")
	}
	if err := checkName("--space", name); err != nil {
		return api.Imported{}, err
	}
	file, err := spacefile.Read(from)
	if err != nil {
		return api.Imported{}, err
	}
	space := m.destination(name, file.Header)
	facts := rehomed(file, space.DID)
	out := api.Imported{
		Space: space.DID, Name: space.Name, From: file.DID, Facts: len(facts), Recipes: len(file.Recipes), Charms: []string{}, Registered: register,
	}
	err = m.store.Update(ctx, func(tx store.Tx) error {
		if err := freeSpace(tx, space); err != nil {
			return err
		}
		if space.Row, err = tx.PutSpace(space); err != nil {
			return err
		}
		if _, err := m.memory.Restore(tx, space, facts, map[string]string{"import": file.DID}); err != nil {
			return err
		}
		for _, rec := range file.Recipes {
			if err := m.keepRecipe(tx, rec); err != nil {
				return err
			}
		}
		for _, c := range file.Charms {
			ref, err := m.keepImported(tx, space, c, register)
			if err != nil {
				return err
			}
			out.Charms = append(out.Charms, ref)
		}
		return nil
	})
	if err != nil {
		return api.Imported{}, err
	}
	m.logger.Info("space imported", "space", out.Space, "facts", out.Facts, "charms", len(out.Charms))
	return out, nil
}

// destination is the space that is meant by a name or DID, or else the one that was
// exported. That has a name here only when our key makes it of the name.
func (m *Manager) destination(name string, from spacefile.Header) charm.Space {
	space := charm.Space{DID: from.DID, CreatedAt: m.now(), Since: -1}
	switch {
	case charm.IsDID(name):
		space.DID = name
	case name != "":
		space.DID, space.Name = m.operator.Derive(name).DID(), name
	case m.operator.Derive(from.Name).DID() == from.DID:
		space.Name = from.Name
	}
	return space
}

func freeSpace(r store.Reader, space charm.Space) error {
	_, err := r.Space(space.DID)
	if errors.Is(err, store.ErrNotFound) && space.Name != "" {
		_, err = r.SpaceNamed(space.Name)
	}
	if err == nil {
		what := space.Name
		if what == "" {
			what = space.DID
		}
		return charm.Errorf(charm.CodeConflict, "there is a space %s already, and an import makes a new one", what).
			WithHint("give it another name with --space")
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// rehomed are the facts of a file as they are in the space: links of the space to
// itself that name it follow it there.
func rehomed(file spacefile.File, space string) []store.Fact {
	facts := make([]store.Fact, len(file.Facts))
	for i, f := range file.Facts {
		if space != file.DID && cell.Rehome(f.Value, file.DID, space) {
			f.Is = jsontext.Append(nil, f.Value)
			f.Ref = memory.Reference(f.Fact, f.Value, false)
		}
		facts[i] = f.Fact
	}
	return facts
}

// keepRecipe stores a recipe that is not here yet; it is compiled when it first runs.
func (m *Manager) keepRecipe(tx store.Tx, rec charm.Recipe) error {
	_, err := tx.Recipe(rec.ID)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	rec.CreatedAt = m.now()
	return tx.PutRecipe(rec)
}

func (m *Manager) keepImported(tx store.Tx, space charm.Space, from spacefile.Charm, register bool) (string, error) {
	if err := checkName("the charm's name", from.Name); err != nil {
		return "", err
	}
	now := m.now()
	c := charm.Charm{
		Space: space.DID, SpaceName: space.Name, ID: from.ID, Name: from.Name, Recipe: from.Recipe, Integration: from.Integration,
		Schedule: from.Schedule, Timeout: from.Timeout, Priority: from.Priority, ProbeNever: from.ProbeNever, CreatedAt: now, UpdatedAt: now,
	}
	if register {
		c.Registered, c.AllowHosts = from.Registered, from.AllowHosts
	}
	var err error
	if c.Row, err = tx.PutCharm(c); err != nil {
		return "", err
	}
	if c.Registered {
		if err := m.registry.Register(tx, c, charm.State{}); err != nil {
			return "", err
		}
	}
	s := charm.State{NextRun: schedule.First(c, now)}
	if c.Registered {
		if s, err = m.registry.Waits(tx, c, s); err != nil {
			return "", err
		}
	}
	return c.Ref(), m.queue.Put(tx, c, s)
}
