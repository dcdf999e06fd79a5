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

// whole is a store in which all is well, and nothing is to be read.
type whole struct{ store.Store }

func (whole) View(context.Context, func(store.Reader) error) error { return nil }

func (whole) Update(context.Context, func(store.Tx) error) error { return nil }

// A registry that cannot be brought up to date, and statuses that cannot be written though
// the cell can be read all the while, are tried again ever more rarely and fill no log.
func TestFault18_ARegistryThatCannotBeWrittenFillsNoLog(t *testing.T) {
	t.Parallel()
	for name, db := range map[string]store.Store{"nothing": broken{}, "no status": whole{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var lines bytes.Buffer
				r := registry.New(registry.Options{
					Store: db, Memory: memory.New(broken{}, "did:key:zOperator", time.Now), System: identity.SystemSpaceDID,
					Every: time.Minute, Logger: slog.New(slog.NewTextHandler(&lines, nil)), Now: time.Now,
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				if name == "no status" {
					r.Note(charm.Charm{Row: 1, Registered: true}, charm.Run{EndedAt: time.Now()}, charm.State{})
				}
				r.Run(ctx)
				if n := bytes.Count(lines.Bytes(), []byte("trying again")); n < 60 || n > 70 {
					t.Errorf("%d lines in an hour", n)
				}
			})
		})
	}
}
