package service

import (
	"context"
	"slices"

	"charmd/charms"
	"charmd/internal/api"
	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/manager"
	"charmd/internal/registry"
	"charmd/internal/store"
)

const greetedKey = "service.greeted"

// firstStart gives an empty data directory a small charm that visibly runs. It
// is made once: a person who removes it does not get it back.
func (s *Service) firstStart(ctx context.Context) error {
	greeted := ""
	err := s.store.View(ctx, func(r store.Reader) (err error) {
		greeted, err = r.Value(greetedKey)
		return err
	})
	if err != nil || greeted != "" {
		return err
	}
	_, err = s.manager.Add(ctx, api.AddRequest{
		Entry: charms.Heartbeat, Files: map[string]string{charms.Heartbeat: charms.Source(charms.Heartbeat)},
		Space: manager.HomeSpace, Name: heartbeatName, Every: heartbeatEvery,
	})
	if err != nil && charm.CodeOf(err) != charm.CodeConflict {
		return err
	}
	return s.store.Update(ctx, func(tx store.Tx) error { return tx.SetValue(greetedKey, "yes") })
}

// heartbeatName is given, so that a crash right after it was made leaves one.
const heartbeatName = "heartbeat"

// heartbeatEvery is short, so that a newcomer sees it move.
const heartbeatEvery = "10s"

// adminName is given, so that two who ask at once do not get two.
const adminName = "bgAdmin"

// AddAdminCharm puts the admin charm into the system space, linked to the registry,
// unless it is there. It shows what runs and needs no runs of its own.
func (s *Service) AddAdminCharm(ctx context.Context) (api.Added, error) {
	var system charm.Space
	var there []charm.Charm
	err := s.store.View(ctx, func(r store.Reader) (err error) {
		if system, err = r.Space(identity.SystemSpaceDID); err == nil {
			there, err = r.Charms(system.DID)
		}
		return err
	})
	if err != nil {
		return api.Added{}, err
	}
	if i := slices.IndexFunc(there, func(c charm.Charm) bool { return c.Name == adminName }); i >= 0 {
		return s.manager.Added(there[i]), nil
	}
	argument := jsontext.NewObject()
	argument.Set("charms", cell.Location{ID: registry.ID()}.Link())
	return s.manager.AddIn(ctx, system, api.AddRequest{
		Entry: charms.BGAdmin, Files: map[string]string{charms.BGAdmin: charms.Source(charms.BGAdmin)},
		Argument: jsontext.Append(nil, argument), Name: adminName, Integration: "admin", NoRegister: true,
	})
}
