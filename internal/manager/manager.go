// Package manager is the charm manager (runtime spec §4): it adds charms, finds
// them by the names people use, reads and writes their cells, and enables,
// disables and removes them. It exists so that the HTTP API, the registry
// endpoint and the first start do these things in one way, each as one
// transaction over documents, registry, table and queue.
package manager

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/explain"
	"charmd/internal/identity"
	"charmd/internal/memory"
	"charmd/internal/pool"
	"charmd/internal/queue"
	"charmd/internal/registry"
	"charmd/internal/runcharm"
	"charmd/internal/store"
)

// Manager works on the charms of one store.
type Manager struct {
	store    store.Store
	memory   *memory.Memory
	queue    *queue.Queue
	registry *registry.Registry
	runner   *runcharm.Runner
	pool     *pool.Pool
	publish  func(ctx context.Context, rec charm.Recipe) error
	operator *identity.Key
	every    time.Duration
	zone     string
	only     string
	timeout  time.Duration
	url      func() string
	logger   *slog.Logger
	now      func() time.Time
}

// Options are the parts a Manager works with.
type Options struct {
	Store    store.Store
	Memory   *memory.Memory
	Queue    *queue.Queue
	Registry *registry.Registry
	Runner   *runcharm.Runner
	Pool     *pool.Pool
	Publish  func(ctx context.Context, rec charm.Recipe) error // gives another toolshed a recipe; nil when there is none
	Operator *identity.Key                                     // spaces are named under it
	Every    time.Duration                                     // schedule of charms that are given none
	Zone     string                                            // IANA name of the zone of cron schedules that name none
	Only     string                                            // the only integration that runs by itself; "" for all
	Timeout  time.Duration                                     // of runs of charms that are given none
	URL      func() string                                     // the toolshed's address, for links
	Logger   *slog.Logger
	Now      func() time.Time
}

// New makes a Manager.
func New(o Options) *Manager {
	return &Manager{
		store: o.Store, memory: o.Memory, queue: o.Queue, registry: o.Registry, runner: o.Runner, pool: o.Pool, publish: o.Publish,
		operator: o.Operator, every: o.Every, zone: o.Zone, only: o.Only, timeout: o.Timeout, url: o.URL, logger: o.Logger, now: o.Now,
	}
}

// find is the charm people mean by a space (name or DID) and a charm (id,
// unambiguous prefix of an id, or name).
func find(r store.Reader, space, name string) (charm.Charm, error) {
	s, err := findSpace(r, space)
	if err != nil {
		return charm.Charm{}, err
	}
	if c, err := r.CharmByID(s.DID, name); !errors.Is(err, store.ErrNotFound) {
		return c, err
	}
	list, err := r.Charms(s.DID)
	if err != nil {
		return charm.Charm{}, err
	}
	var byPrefix []charm.Charm
	var names []string
	for _, c := range list {
		names = append(names, c.Name)
		if c.Name == name {
			return c, nil
		}
		if name != "" && strings.HasPrefix(c.ID, name) {
			byPrefix = append(byPrefix, c)
		}
	}
	switch len(byPrefix) {
	case 1:
		return byPrefix[0], nil
	case 0:
		e := charm.Errorf(charm.CodeNotFound, "there is no charm %s/%s", space, name)
		if near := explain.Nearest(name, names); near != "" {
			return charm.Charm{}, e.WithHint("did you mean: %s/%s", space, near)
		}
		return charm.Charm{}, e.WithHint("see them with: charmd list")
	}
	return charm.Charm{}, charm.Errorf(charm.CodeInvalid, "%s/%s means %d charms: %s and %s begin so", space, name, len(byPrefix), byPrefix[0].ID, byPrefix[1].ID).
		WithHint("give more of the id, or the name")
}

// Find is the charm that people mean by a space and a charm.
func (m *Manager) Find(ctx context.Context, space, name string) (c charm.Charm, err error) {
	err = m.store.View(ctx, func(r store.Reader) error {
		c, err = find(r, space, name)
		return err
	})
	return c, err
}

func findSpace(r store.Reader, name string) (charm.Space, error) {
	get := r.SpaceNamed
	if charm.IsDID(name) {
		get = r.Space
	}
	s, err := get(name)
	if errors.Is(err, store.ErrNotFound) {
		return s, charm.Errorf(charm.CodeNotFound, "there is no space %s", name).WithHint("see charms and their spaces with: charmd list")
	}
	return s, err
}

// spaceFor is findSpace for a command that takes a space or SPACE/CHARM: a name that
// is a charm's, and no space's, gets the words that would have been right.
func (m *Manager) spaceFor(r store.Reader, command, name string) (charm.Space, error) {
	s, err := findSpace(r, name)
	if charm.CodeOf(err) != charm.CodeNotFound {
		return s, err
	}
	var meant []string
	for _, known := range m.queue.Standings() {
		if known.Charm.Name == name {
			meant = append(meant, "charmd "+command+" "+known.Charm.Ref())
		}
	}
	if len(meant) == 0 {
		return s, err
	}
	return s, charm.Errorf(charm.CodeNotFound, "there is no space %s", name).WithHint("for the charm of that name: %s", strings.Join(meant, ", or "))
}

// result is where a charm's result document begins, with a path people give.
func result(c charm.Charm, path []string) cell.Location {
	return cell.Location{ID: c.ID, Path: path}
}

// view finds a charm and reads from its space in one snapshot.
func (m *Manager) view(ctx context.Context, space, name string, fn func(r store.Reader, c charm.Charm, docs *cell.Snapshot) error) error {
	return m.store.View(ctx, func(r store.Reader) error {
		c, err := find(r, space, name)
		if err != nil {
			return err
		}
		s, err := r.Space(c.Space)
		if err != nil {
			return err
		}
		return fn(r, c, cell.NewSnapshot(r, s))
	})
}
