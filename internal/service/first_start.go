package service

import (
	"context"

	"charmd/charms"
	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/manager"
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
