package service

import (
	"context"
	"slices"
	"time"

	"charmd/charms"
	"charmd/internal/api"
	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/recipe"
	"charmd/internal/registry"
	"charmd/internal/store"
)

// adminName is given, so that two who ask at once do not get two.
const adminName = "bgAdmin"

// AddAdminCharm puts the admin charm into the system space, linked to the registry,
// unless it is there. One that an earlier charmd has made gives way to it.
func (s *Service) AddAdminCharm(ctx context.Context) (api.Added, error) {
	system, there, err := s.adminCharm(ctx)
	switch {
	case err != nil:
		return api.Added{}, err
	case there.Recipe == adminRecipe():
		return s.manager.Added(there), nil
	case there.Row != 0:
		if err := s.manager.Remove(ctx, there.Space, there.ID); err != nil {
			return api.Added{}, err
		}
	}
	argument := jsontext.NewObject()
	argument.Set("charms", cell.Location{ID: registry.ID()}.Link())
	return s.manager.AddIn(ctx, system, api.AddRequest{
		Entry: charms.BGAdmin, Files: map[string]string{charms.BGAdmin: charms.Source(charms.BGAdmin)},
		Argument: jsontext.Append(nil, argument), Name: adminName, Integration: "admin", NoRegister: true,
	})
}

// adminRecipe is the id of the recipe that the admin charm is made of.
func adminRecipe() string { return recipe.ID(charms.Source(charms.BGAdmin)) }

// adminCharm is the admin charm and its space; its Row is 0 when there is none.
func (s *Service) adminCharm(ctx context.Context) (system charm.Space, there charm.Charm, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		var list []charm.Charm
		if system, err = r.Space(identity.SystemSpaceDID); err != nil {
			return err
		}
		if list, err = r.Charms(system.DID); err != nil {
			return err
		}
		if i := slices.IndexFunc(list, func(c charm.Charm) bool { return c.Name == adminName }); i >= 0 {
			there = list[i]
		}
		return nil
	})
	return system, there, err
}

const (
	// The admin charm is drawn anew soon after somebody was registered or disabled,
	// and no more often; otherwise when the times of last runs, which are written
	// once a minute, may have changed.
	redrawAtLeast = time.Second
	redrawEvery   = time.Minute
)

// registryMoved has the admin charm drawn anew.
func (s *Service) registryMoved() {
	select {
	case s.redraw <- struct{}{}:
	default: // it is known already
	}
}

// drawAdmin runs the admin charm, where there is one, whenever what it shows has
// changed: pages show what a charm has written, and its rows follow from the
// registry only when it runs.
func (s *Service) drawAdmin(ctx context.Context) {
	ticker := time.NewTicker(redrawEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-s.redraw:
		}
		_, there, err := s.adminCharm(ctx)
		if err == nil && there.Row != 0 && there.Recipe == adminRecipe() {
			_, err = s.queue.RunNow(ctx, there.Row)
		}
		if err != nil && ctx.Err() == nil {
			s.logger.Warn("the admin charm could not be brought up to date", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(redrawAtLeast):
		}
	}
}
