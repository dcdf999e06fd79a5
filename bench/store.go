package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"charmd/internal/charm"
	"charmd/internal/handlers"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/queue"
	"charmd/internal/state"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
)

const defaultRuns = 1_000_000

// cleanupEvery is how many runs of a charm that runs each second, the shortest
// interval there is, lie between two cleanups of the service.
const cleanupEvery = 300

// benchStore says how large a database one counter leaves that ran many times.
func benchStore(s settings) (r report, err error) {
	dir, err := os.MkdirTemp("", "charmd-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	began := time.Now()
	c, err := openCounted(filepath.Join(dir, "charmd.db"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.db.Close()) }()
	most := int64(0)
	for n := range s.runs {
		if err := c.run(n); err != nil {
			return nil, err
		}
		if (n+1)%cleanupEvery == 0 || n == s.runs-1 {
			size, err := c.db.Size()
			if err != nil {
				return nil, err
			}
			most = max(most, size)
			if err := c.cleanup(); err != nil {
				return nil, err
			}
		}
	}
	after, err := c.db.Size()
	return report{
		{"runs", s.runs}, {"bytes_after", after}, {"bytes_most", most}, {"bytes_per_run", round(float64(after) / float64(max(s.runs, 1)))},
		{"seconds", round(time.Since(began).Seconds())},
	}, err
}

// counted is a store with one counter that is due each second. Everything that a
// run of it writes goes the way of the service; no code runs, and the clock is
// this one's own, so that days of runs take minutes.
type counted struct {
	db     *sqlite.DB
	memory *memory.Memory
	states *state.Manager
	queue  *queue.Queue
	keeper *handlers.Maintenance
	space  charm.Space
	now    time.Time
	last   [32]byte // reference of the document's current fact
	of     string
}

func openCounted(path string) (_ *counted, err error) {
	ctx := context.Background()
	c := &counted{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), states: state.NewManager(5)}
	clock := func() time.Time { return c.now }
	logger := slog.New(slog.DiscardHandler)
	if c.db, err = sqlite.Open(ctx, path, sqlite.Options{Logger: logger}); err != nil {
		return nil, err
	}
	c.memory = memory.New(c.db, "did:key:zOperator", clock)
	if c.queue, _, err = queue.Open(ctx, c.db, c.states, queue.Options{Now: clock, DefaultTimeout: 30 * time.Second}); err != nil {
		return nil, errors.Join(err, c.db.Close())
	}
	c.keeper = &handlers.Maintenance{
		Store: c.db, Queue: c.queue, Retention: handlers.DefaultRetention(), Timeout: time.Minute, Logger: logger, Now: clock,
	}
	c.space = charm.Space{DID: "did:key:z6Mkj5HyygpAVo2baUcx7kwTRoUbbBmk5egUQPHnV8arQ3SY", Name: "home", CreatedAt: c.now, Since: -1}
	result := merkle.EntityID(nil, "counter")
	c.of = "of:" + result.Link()
	c.last = merkle.Unclaimed(memory.JSON, c.of)
	err = c.db.Update(ctx, func(tx store.Tx) (err error) {
		if c.space.Row, err = tx.PutSpace(c.space); err != nil {
			return err
		}
		it := charm.Charm{
			Space: c.space.DID, SpaceName: c.space.Name, ID: result.Link(), Name: "counter", Integration: "counter", Registered: true,
			Schedule: charm.Schedule{Every: time.Second}, CreatedAt: c.now, UpdatedAt: c.now,
		}
		if it.Row, err = tx.PutCharm(it); err != nil {
			return err
		}
		return c.queue.Put(tx, it, charm.State{})
	})
	if err != nil {
		return nil, errors.Join(err, c.db.Close())
	}
	return c, nil
}

// run is the n-th run: claimed, and ended with the counter one higher.
func (c *counted) run(n int) error {
	ctx := context.Background()
	if standing := c.queue.Standings()[0]; standing.State.NextRun.After(c.now) {
		c.now = standing.State.NextRun
	}
	claim, err := c.queue.Next(ctx)
	if err != nil {
		return err
	}
	started := c.now
	c.now = c.now.Add(10 * time.Millisecond)
	change := memory.Assert(c.of, c.last, fmt.Sprintf(`{"value":%d}`, n))
	draft, err := memory.NewDraft(c.space, "did:key:zOperator", []memory.Change{change}, nil, c.now)
	if err != nil {
		return err
	}
	ran := charm.Run{
		ID: claim.Job.Run, Charm: claim.Charm.Row, Job: claim.Job.ID, Reason: claim.Job.Reason, Attempt: claim.Job.Attempt,
		DueAt: claim.Job.DueAt, StartedAt: started, EndedAt: c.now, Outcome: charm.OK, Changed: 1, CPU: time.Millisecond, PeakBytes: 1 << 20,
	}
	return c.db.Update(ctx, func(tx store.Tx) error {
		if _, err := c.memory.Commit(tx, draft, nil); err != nil {
			return err
		}
		head, err := tx.Head(c.space.Row, memory.JSON, c.of)
		if err != nil {
			return err
		}
		c.last = head.Ref
		before, err := tx.State(claim.Charm.Row)
		if err != nil {
			return err
		}
		end := c.queue.Ending(*claim, ran, queue.Wish{})
		after, _ := c.states.After(before, ran, end.Final)
		return c.queue.End(tx, *claim, ran, end, after)
	})
}

// cleanup is the service's own, with its record.
func (c *counted) cleanup() error {
	ctx := context.Background()
	if _, err := c.queue.Maintain(ctx, charm.Cleanup, c.now); err != nil {
		return err
	}
	claim, err := c.queue.NextTask(ctx)
	if err != nil {
		return err
	}
	_, err = c.keeper.Handle(ctx, *claim)
	return err
}
