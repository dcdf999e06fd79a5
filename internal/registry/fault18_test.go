package registry_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/memory"
	"charmd/internal/registry"
	"charmd/internal/store"
)

// broken is a store in which nothing can be written.
type broken struct{ store.Store }

func (broken) Update(context.Context, func(store.Tx) error) error {
	return errors.New("the disk is full")
}

// A registry that cannot be brought up to date is tried again ever more rarely, and
// fills no log.
func TestFault18_ARegistryThatCannotBeWrittenFillsNoLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		r := registry.New(registry.Options{
			Store: broken{}, Memory: memory.New(broken{}, "did:key:zOperator", time.Now), System: identity.SystemSpaceDID,
			Every: time.Minute, Logger: slog.New(slog.NewTextHandler(&lines, nil)), Now: time.Now,
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		r.Run(ctx)
		if n := bytes.Count(lines.Bytes(), []byte("trying again")); n < 60 || n > 70 {
			t.Errorf("%d lines in an hour", n)
		}
	})
}

// whole is a store in which all is well, and nothing is to be read.
type whole struct{ store.Store }

func (whole) View(context.Context, func(store.Reader) error) error { return nil }

func (whole) Update(context.Context, func(store.Tx) error) error { return nil }

// Statuses that cannot be written are tried again ever more rarely though the cell can
// be read all the while.
func TestFault18_StatusesThatCannotBeWrittenFillNoLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		r := registry.New(registry.Options{
			Store: whole{}, Memory: memory.New(broken{}, "did:key:zOperator", time.Now), System: identity.SystemSpaceDID,
			Every: time.Minute, Logger: slog.New(slog.NewTextHandler(&lines, nil)), Now: time.Now,
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		r.Note(charm.Charm{Row: 1, Registered: true}, charm.Run{EndedAt: time.Now()}, charm.State{})
		r.Run(ctx)
		if n := bytes.Count(lines.Bytes(), []byte("trying again")); n < 60 || n > 70 {
			t.Errorf("%d lines in an hour", n)
		}
	})
}
