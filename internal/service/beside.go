package service

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"charmd/internal/blobby"
	"charmd/internal/charm"
	"charmd/internal/config"
	"charmd/internal/queue"
	"charmd/internal/replica"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
)

// beside is what a service knows of the toolshed it is a client of.
type beside struct {
	toolshed string        // address; "" when we are the toolshed
	service  string        // names this service in the marks of its runs there
	changed  chan struct{} // whether charms can run may have changed
	recipes  chan struct{} // there may be charms whose recipes are not here
}

const (
	// toolshedKey remembers which toolshed the data belongs to.
	toolshedKey = "service.toolshed"
	embedded    = "embedded"
	serviceKey  = "service.id"
)

// toolshedOf is how cfg's toolshed is remembered.
func toolshedOf(cfg config.Config) string {
	if toolshed, _ := cfg.Foreign(); toolshed != "" {
		return config.SameToolshed(toolshed)
	}
	return embedded
}

// openDatabase opens the database of the data directory. With --adopt one that
// belongs to another toolshed is set aside, and a new one takes its place.
func openDatabase(ctx context.Context, cfg config.Config, o sqlite.Options) (*sqlite.DB, error) {
	file := filepath.Join(cfg.DataDir, config.DatabaseFile)
	db, err := sqlite.Open(ctx, file, o)
	if err != nil || !cfg.Adopt {
		return db, err
	}
	was := ""
	err = db.View(ctx, func(r store.Reader) (err error) {
		was, err = r.Value(toolshedKey)
		return err
	})
	if err == nil && (was == "" || was == toolshedOf(cfg)) {
		return db, nil
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	aside := file + ".before-" + time.Now().UTC().Format("20060102-150405")
	if err := os.Rename(file, aside); err != nil {
		return nil, unusable(cfg.DataDir, err)
	}
	o.Logger.Warn("the data directory begins anew with another toolshed; what it held is set aside", "was", was, "is", toolshedOf(cfg), "file", aside)
	return sqlite.Open(ctx, file, o)
}

// belongs refuses data of another toolshed, and remembers which one it is.
func (s *Service) belongs(tx store.Tx) error {
	was, err := tx.Value(toolshedKey)
	if err != nil {
		return err
	}
	is := toolshedOf(s.config)
	if was != "" && was != is {
		what := map[bool]string{true: "this charmd's own toolshed", false: "the toolshed at " + was}[was == embedded]
		now := map[bool]string{true: "none is named", false: "the one at " + is + " is named"}[is == embedded]
		return charm.Errorf(charm.CodeRemoteToolshed, "the data directory %s belongs to %s, and %s", s.config.DataDir, what, now).
			WithHint("name the former with TOOLSHED_API_URL, or use another --data-dir; --adopt sets aside what is there and begins anew")
	}
	if s.beside.service, err = tx.Value(serviceKey); err != nil {
		return err
	}
	if s.beside.service == "" {
		s.beside.service = queue.NewID(s.now())
		if err := tx.SetValue(serviceKey, s.beside.service); err != nil {
			return err
		}
	}
	return tx.SetValue(toolshedKey, is)
}

// joinToolshed begins to connect to the toolshed that is named, if it is not us.
func (s *Service) joinToolshed() error {
	toolshed, mem := s.config.Foreign()
	if toolshed == "" {
		return nil
	}
	s.beside = beside{toolshed: toolshed, changed: make(chan struct{}, 1), recipes: make(chan struct{}, 1)}
	var err error
	s.replica, err = replica.New(replica.Options{
		Store: s.store, Memory: s.memory, URL: toolshed, MemURL: mem, Operator: s.operator, Given: !ownKey(s.config), Dev: s.config.Dev,
		Arrived: s.arrived, Changed: func() { poke(s.beside.changed) }, Logger: s.logger, Now: s.now,
	})
	if err == nil {
		s.memory.CopyOf(s.replica)
	}
	return err
}

// poke wakes who waits on c, now or when it next waits.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// followSpaces begins to copy the spaces that are known.
func (s *Service) followSpaces(ctx context.Context) error {
	return s.store.View(ctx, func(r store.Reader) error {
		spaces, err := r.Spaces()
		for _, space := range spaces {
			s.memory.Follow(space.DID)
		}
		return err
	})
}

// arrived is told of facts of a space that the toolshed has told of.
func (s *Service) arrived(tx store.Tx, did string) error {
	tx.AfterCommit(func() { poke(s.beside.recipes) })
	return s.registry.Arrived(tx, did)
}

// away is why the toolshed keeps charms from running; "" when it does not.
func (s *Service) away() string {
	if s.replica == nil {
		return ""
	}
	return s.replica.Away()
}

// apiURL is the toolshed as recipes are told of it.
func (s *Service) apiURL() string {
	if s.replica != nil {
		return s.beside.toolshed
	}
	return s.URL()
}

// publish gives recipes to the toolshed that we are a client of; nil when we are it.
func (s *Service) publish() func(context.Context, charm.Recipe) error {
	if s.replica == nil {
		return nil
	}
	return s.replica.Publish
}

// fetchEvery is how often the toolshed is asked again for recipes that it did not have.
const fetchEvery = 10 * time.Second

// attend lets runs begin and stop with the toolshed, and gets recipes from it.
func (s *Service) attend(ctx context.Context) {
	ticker := time.NewTicker(fetchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.beside.changed:
			s.lookForRoom(ctx)
		case <-s.beside.recipes:
			s.fetchRecipes(ctx)
		case <-ticker.C:
			s.fetchRecipes(ctx)
		}
	}
}

// fetchRecipes gets the recipes of registered charms that are not here.
func (s *Service) fetchRecipes(ctx context.Context) {
	missing := map[string]charm.Charm{}
	err := s.store.View(ctx, func(r store.Reader) error {
		list, err := r.Charms("")
		if err != nil {
			return err
		}
		for _, c := range list {
			if c.Recipe == "" {
				continue
			}
			if _, err := blobby.Recipe(r, c.Recipe); errors.Is(err, store.ErrNotFound) {
				missing[c.Recipe] = c
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	for id, c := range missing {
		if s.away() != "" {
			return
		}
		fetched := s.replica.Fetch(ctx, id, s.manager.RecipeArrived)
		if fetched != nil && !errors.Is(fetched, store.ErrNotFound) && ctx.Err() == nil { // else show and why say that it is missing
			s.logger.Warn("a recipe could not be had from the toolshed", "recipe", id, "charm", c.Ref(), "err", fetched)
		}
	}
	if err != nil && ctx.Err() == nil {
		s.logger.Warn("it could not be seen which recipes are missing", "err", err)
	}
}
