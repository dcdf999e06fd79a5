package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/memory"
	"charmd/internal/queue"
	"charmd/internal/runcharm"
	"charmd/internal/state"
	"charmd/internal/store"
	"charmd/internal/wire"
)

// Act is what a person did on a charm's page: an event for a stream, or a value
// for a cell.
type Act struct {
	ID    string // ULID of the page's choice; sent again it is the same act
	Charm charm.Charm
	At    cell.Location // of the stream or the cell
	Write bool          // Value is written to the cell
	Value json.RawMessage
}

// Interact makes runs of what people do on pages. They are above all background
// work: they have workers of their own and wait for no run of the charm, which in
// turn is made again when both wrote. An act that has a record is not done again:
// its record is the answer. There is no claim: whoever sent an act sends it until
// it is answered. Nothing of it counts for or against the charm in the background.
type Interact struct {
	Store  store.Store
	Memory *memory.Memory
	Queue  *queue.Queue
	States *state.Manager
	Runner *runcharm.Runner
	// Upstream is the other toolshed that has the charms' spaces, nil for none, and
	// Service what its marks call this service.
	Upstream memory.Upstream
	Service  string
	Slots    *Slots        // where acts wait for their turn
	Timeout  time.Duration // of charms that set none
	Logger   *slog.Logger
	Now      func() time.Time
	Ended    func(charm.Charm, charm.Run) // told of every run whose record is on disk

	mu    sync.Mutex
	doing map[string]chan struct{} // by act, closed when it is done
}

// InteractSlots is how many acts are carried out at once.
const InteractSlots = 4

// actWithin is the most time an act may take: a person waits for it, and others
// wait behind it.
const actWithin = 30 * time.Second

// Do carries out an act, or finds that it was, and returns the record. An error
// means that the act has none, and may be sent again.
func (h *Interact) Do(ctx context.Context, act Act) (charm.Run, error) {
	release, err := h.alone(ctx, act.ID)
	if err != nil {
		return charm.Run{}, err
	}
	defer release()
	leave, err := h.Slots.take(ctx, act.Charm.Space)
	if err != nil {
		return charm.Run{}, err
	}
	defer leave()
	if run, done, err := h.recorded(ctx, act.Charm.Row, act.ID); err != nil || done {
		return run, err
	}
	return h.run(ctx, act)
}

// Done is the record of an act on the charm of that row that was carried out, if
// it was. One that is under way is waited for.
func (h *Interact) Done(ctx context.Context, row int64, id string) (run charm.Run, done bool, err error) {
	release, err := h.alone(ctx, id)
	if err != nil {
		return run, false, err
	}
	defer release()
	return h.recorded(ctx, row, id)
}

// recorded is the record of an act on the charm of that row, if there is one. An act
// of another charm under the same id is another act.
func (h *Interact) recorded(ctx context.Context, row int64, id string) (run charm.Run, done bool, err error) {
	err = h.Store.View(ctx, func(r store.Reader) error {
		runs, err := r.Runs(store.RunFilter{Charm: row, Job: id, Limit: 1})
		if done = len(runs) > 0; done {
			run = runs[0]
		}
		return err
	})
	return run, done, err
}

// alone waits until no other call is about the same act.
func (h *Interact) alone(ctx context.Context, id string) (release func(), err error) {
	for {
		h.mu.Lock()
		other, busy := h.doing[id]
		if !busy {
			if h.doing == nil {
				h.doing = map[string]chan struct{}{}
			}
			me := make(chan struct{})
			h.doing[id] = me
			h.mu.Unlock()
			return func() {
				h.mu.Lock()
				defer h.mu.Unlock()
				delete(h.doing, id)
				close(me)
			}, nil
		}
		h.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (h *Interact) run(ctx context.Context, act Act) (run charm.Run, err error) {
	now := h.Now()
	work := runcharm.Work{
		Run: queue.NewID(now), Occasion: act.ID, Mode: wire.ModeEvent, Charm: act.Charm, Document: act.At.ID, Stream: act.At.Path,
		Event: act.Value, Timeout: h.within(act.Charm), Lane: true,
	}
	if act.Write {
		work.Mode = wire.ModeWrite
	}
	session, err := h.Runner.Open(ctx, work)
	if err != nil {
		return run, err
	}
	if h.Upstream != nil {
		return h.runBeside(ctx, act, work.Run, now, session)
	}
	err = untilCommitted(ctx, h.Memory, act.Charm.Space, session, func(r runcharm.Result, conflicts int, hold *memory.Hold) (err error) {
		run, err = h.commit(ctx, act, work.Run, now, r, conflicts, hold)
		return err
	})
	return run, err
}

// within is the time that an act of the charm may take.
func (h *Interact) within(c charm.Charm) time.Duration {
	return min(c.Within(h.Timeout), actWithin)
}

// commit writes what the run changed and its record in one transaction. A run
// that was ended from outside, or that no worker took, leaves nothing and is to
// be sent again.
func (h *Interact) commit(ctx context.Context, act Act, id string, due time.Time, r runcharm.Result, conflicts int, hold *memory.Hold) (charm.Run, error) {
	if r.Outcome == charm.Cancelled || r.Outcome == charm.Lost {
		return charm.Run{}, charm.Errorf(charm.CodeUnavailable, "%s", r.Error)
	}
	run := h.record(act, id, due, r, conflicts)
	err := durably(ctx, h.Store, h.Logger, func(tx store.Tx) error {
		if _, err := tx.Charm(act.Charm.Row); errors.Is(err, store.ErrNotFound) {
			return charm.Errorf(charm.CodeNotFound, "the charm was removed")
		}
		if mayBeStale(r, conflicts) {
			if err := memory.Check(tx, r.Space, r.Read); err != nil {
				return err
			}
		}
		if r.Draft != nil {
			receipt, err := h.Memory.Commit(tx, r.Draft, hold)
			if err != nil {
				return err
			}
			run.Since = receipt.Since
		}
		if err := h.Runner.SaveHosts(tx, r); err != nil {
			return err
		}
		tx.AfterCommit(func() { h.count(act, run) })
		return tx.AddRun(run)
	})
	if err == nil {
		h.done(ctx, act, run)
	}
	return run, err
}

func (h *Interact) record(act Act, id string, due time.Time, r runcharm.Result, conflicts int) charm.Run {
	return record(queue.Claim{Charm: act.Charm, Job: charm.Job{Run: id, ID: act.ID, Reason: charm.Event, Attempt: 1, DueAt: stored(due)}}, r, conflicts)
}

// count tells those who count of an act whose record is on disk: who sees the record
// finds it counted.
func (h *Interact) count(act Act, run charm.Run) {
	h.States.Count(run)
	h.Ended(act.Charm, run)
}

// done lets follow what follows from an act whose record is on disk.
func (h *Interact) done(ctx context.Context, act Act, run charm.Run) {
	if run.Changed > 0 {
		if err := h.Queue.TryAfterChange(ctx, act.Charm.Row); err != nil {
			h.Logger.Warn("a charm that could not run is not tried again after a change", "charm", act.Charm.Ref(), "err", err)
		}
	}
	h.Logger.Debug("an act on a page is done", "charm", act.Charm.Ref(), "run", run.ID, "outcome", run.Outcome, "err", run.Error, "at", run.Position)
}
