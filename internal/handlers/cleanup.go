package handlers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"charmd/internal/charm"
	"charmd/internal/explain"
	"charmd/internal/store"
)

// Retention says what history is kept.
type Retention struct {
	Runs        int // records of a charm
	RunsFor     time.Duration
	Replays     int // runs of a charm that can be made again
	Versions    int // superseded versions of a fact
	VersionsFor time.Duration
	StatsFor    time.Duration // the figures of an hour
	MinutesFor  time.Duration // the figures of a minute
	ProgramsFor time.Duration // what was compiled of a recipe that no charm uses
}

// DefaultRetention keeps what the documentation promises.
func DefaultRetention() Retention {
	return Retention{
		Runs: charm.KeepRuns, RunsFor: charm.KeepRunsFor, Versions: charm.KeepVersions, VersionsFor: charm.KeepVersionsFor,
		StatsFor: charm.KeepStatsFor, MinutesFor: charm.KeepMinutesFor, ProgramsFor: charm.KeepProgramsFor,
	}
}

const (
	// pruneBatch is how many rows one transaction of cleanup takes, so that runs
	// that end meanwhile wait little.
	pruneBatch = 2000
	// vacuumPages is how many pages are given back at a time, for the same reason.
	vacuumPages = 256
	// draftAge is how old a half-written file is that nobody writes any more.
	draftAge = time.Hour
)

// cleanup takes what is beyond retention away and gives the room back.
func (h *Maintenance) cleanup(ctx context.Context, did *strings.Builder) error {
	if err := h.Fold(ctx); err != nil {
		return err
	}
	ago := func(d time.Duration) time.Time { return h.Now().Add(-d) }
	for _, sweep := range []struct {
		what string
		step func(store.Tx) (int, error)
	}{
		{"run records", func(tx store.Tx) (int, error) { return h.pruneRuns(tx, ago(h.Retention.RunsFor)) }},
		{"runs that could be made again", func(tx store.Tx) (int, error) { return tx.PruneRecordings(h.Retention.Replays, pruneBatch) }},
		{"old versions of documents", func(tx store.Tx) (int, error) {
			return tx.PruneFacts(h.Retention.Versions, ago(h.Retention.VersionsFor), pruneBatch)
		}},
		{"errors that were not met for long", func(tx store.Tx) (int, error) { return tx.PruneProblems(ago(h.Retention.RunsFor)) }},
		{"hours of figures", func(tx store.Tx) (int, error) { return tx.PruneStats(ago(h.Retention.StatsFor)) }},
		{"minutes of figures", func(tx store.Tx) (int, error) { return tx.PruneMinutes(ago(h.Retention.MinutesFor)) }},
		{"compiled recipes that no charm uses", func(tx store.Tx) (int, error) {
			return tx.DropPrograms(ago(h.Retention.ProgramsFor), pruneBatch)
		}},
	} {
		n, err := h.repeat(ctx, sweep.step)
		if n > 0 {
			fmt.Fprintf(did, "removed %d %s\n", n, sweep.what)
		}
		if err != nil {
			return fmt.Errorf("removing %s: %w", sweep.what, err)
		}
	}
	if err := h.removeDrafts(did); err != nil {
		return err
	}
	return h.compact(ctx, did)
}

// pruneRuns removes run records, all of which are in the figures: the few that
// were written since Fold are folded in the same transaction.
func (h *Maintenance) pruneRuns(tx store.Tx, before time.Time) (int, error) {
	for n := 1; n > 0; {
		var err error
		if n, err = tx.FoldRuns(foldBatch); err != nil {
			return 0, err
		}
	}
	return tx.PruneRuns(h.Retention.Runs, before, pruneBatch)
}

// repeat takes bounded steps until one finds nothing more.
func (h *Maintenance) repeat(ctx context.Context, step func(store.Tx) (int, error)) (total int, err error) {
	for {
		var n int
		err := h.Store.Update(ctx, func(tx store.Tx) (err error) {
			n, err = step(tx)
			return err
		})
		if err != nil || n == 0 {
			return total, err
		}
		total += n
	}
}

// removeDrafts removes files that a crash has left half written.
func (h *Maintenance) removeDrafts(did *strings.Builder) error {
	for _, name := range h.Drafts {
		info, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && h.Now().Sub(info.ModTime()) < draftAge {
			continue
		}
		if err == nil {
			err = os.Remove(name)
		}
		if err != nil {
			return fmt.Errorf("removing a half-written file: %w", err)
		}
		fmt.Fprintf(did, "removed the half-written file %s\n", name)
	}
	return nil
}

// compact gives unused room back to the file system, a little at a time.
func (h *Maintenance) compact(ctx context.Context, did *strings.Builder) error {
	var sum int64
	for {
		freed, err := h.Store.Vacuum(ctx, vacuumPages)
		if err != nil {
			return fmt.Errorf("giving room back: %w", err)
		}
		if freed == 0 {
			break
		}
		sum += freed
	}
	if err := h.Store.Checkpoint(ctx); err != nil {
		return fmt.Errorf("emptying the log: %w", err)
	}
	size, err := h.Store.Size()
	if err != nil {
		return err
	}
	fmt.Fprintf(did, "gave %s back, the database takes %s\n", explain.Size(sum), explain.Size(size))
	return nil
}
