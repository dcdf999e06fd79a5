package handlers

import (
	"slices"
	"time"

	"charmd/internal/charm"
	"charmd/internal/memory"
	"charmd/internal/queue"
	"charmd/internal/runcharm"
	"charmd/internal/state"
	"charmd/internal/store"
)

// ending is the end of one run on its way to disk.
type ending struct {
	*ExecuteCharm
	claim     queue.Claim
	result    runcharm.Result
	conflicts int
	hold      *memory.Hold // what the run holds back; nil when nothing
	run       charm.Run
	recording []byte          // what the run followed from; nil when it is not kept
	receipt   *memory.Receipt // of what another toolshed has taken, and is written here already; nil for none
	applied   bool            // run is an earlier attempt that has a record as lost

	after charm.State
	told  state.Transition
	next  *queue.Claim // the run claimed in the same transaction; nil when none is due
}

// write puts all that follows from the run into tx: what it changed, its record,
// the charm's state and who is told of it, the job's end, what was learnt of
// hosts; and the claim of the next run. An error of *memory.Conflict says that a
// document it read has changed.
func (e *ending) write(tx store.Tx) error {
	e.giveBack() // of a transaction that did not get to disk
	if err := e.change(tx); err != nil {
		return err
	}
	before, err := tx.State(e.claim.Charm.Row)
	if err != nil {
		return err
	}
	end := e.Queue.Ending(e.claim, e.run, queue.Wish{
		Again: e.result.Report.Again, Permanent: e.result.Permanent, NotBefore: e.result.NotBefore,
	})
	// Failures disable only what runs by itself.
	e.after, e.told = e.States.After(before, e.run, end.Final && e.claim.Charm.Registered)
	if err := e.account(tx, before); err != nil {
		return err
	}
	if err := e.transition(tx); err != nil {
		return err
	}
	finish := e.Queue.End
	if e.applied {
		finish = e.Queue.EndApplied
	}
	tx.AfterCommit(e.count) // before the queue tells those who wait for the run
	if err := finish(tx, e.claim, e.run, end, e.after); err != nil {
		return err
	}
	if err := e.learn(tx); err != nil {
		return err
	}
	if e.recording != nil {
		if err := tx.PutRecording(e.claim.Charm.Row, int(e.after.Executions%int64(e.Replays)), e.run.ID, e.recording); err != nil {
			return err
		}
	}
	if e.next = e.Queue.ClaimNext(tx); e.next != nil {
		e.next.Ahead = e.Runner.ReadAhead(tx, e.next.Charm)
	}
	return nil
}

// count tells of an end that is on disk those who count: who sees the run's record
// finds it counted.
func (e *ending) count() {
	e.States.Count(e.run)
	e.ended(e.claim.Charm, e.run)
	e.Registry.Note(e.claim.Charm, e.run, e.after)
}

// change writes what the run changed, if what it read is still so.
func (e *ending) change(tx store.Tx) error {
	if e.receipt != nil {
		e.run.Since = e.receipt.Since
		return nil
	}
	if mayBeStale(e.result, e.conflicts) {
		if err := memory.Check(tx, e.result.Space, e.result.Read); err != nil {
			return err
		}
	}
	if e.result.Draft == nil {
		return nil
	}
	receipt, err := e.Memory.Commit(tx, e.result.Draft, e.hold)
	e.run.Since = receipt.Since
	return err
}

// account lets a charm go on whose account was connected again while its run found
// it disconnected: nobody would wake it any more. What else may keep a charm from
// running has not been looked at while it waited.
func (e *ending) account(tx store.Tx, before charm.State) (err error) {
	if e.after.WaitsForAccount() {
		again, err := e.connectedMeanwhile(tx)
		if err != nil || !again {
			return err
		}
		e.after.Waiting = charm.Wait{}
	} else if !before.WaitsForAccount() {
		return nil
	}
	e.after, err = e.Registry.Waits(tx, e.claim.Charm, e.after)
	return err
}

// connectedMeanwhile reports whether an account that the run could use has been
// connected since it began: any of its space, since a cell may be linked to others.
func (e *ending) connectedMeanwhile(tx store.Tx) (bool, error) {
	list, err := tx.Connections()
	began := e.run.StartedAt.Truncate(time.Millisecond) // as exact as what is stored
	return slices.ContainsFunc(list, func(c charm.Connection) bool {
		return c.Space == e.claim.Charm.Space && c.State == charm.Connected && !c.Since.Before(began)
	}), err
}

// transition tells the registry and the notification hook that the charm is
// disabled or works again.
func (e *ending) transition(tx store.Tx) error {
	if e.told == state.None {
		return nil
	}
	if err := e.Registry.Transition(tx, e.claim.Charm, e.after); err != nil {
		return err
	}
	return e.Notifier.Transition(tx, e.told, e.claim.Charm, e.after, e.run)
}

// record prepares what is kept to make the run again.
func (e *ending) record() (err error) {
	if e.Replays > 0 && e.result.Recording != nil {
		e.recording, err = e.result.Recording.Encode()
	}
	return err
}

// learn keeps what the run showed of hosts and of the charm's errors.
func (e *ending) learn(tx store.Tx) error {
	if err := e.Runner.SaveHosts(tx, e.result); err != nil {
		return err
	}
	if problem, met := state.Met(e.run); met {
		return tx.MeetProblem(problem, charm.KeepProblems)
	}
	return nil
}

func (e *ending) giveBack() {
	if e.next != nil {
		e.Queue.GiveBack(*e.next)
		e.next = nil
	}
}

// mayBeStale reports whether the outcome may come from documents that changed
// meanwhile. A run that had to be killed is made again once for that, not more: it
// takes its whole time whatever it reads.
func mayBeStale(r runcharm.Result, conflicts int) bool {
	switch r.Outcome {
	case charm.Cancelled:
		return false
	case charm.TimedOut, charm.OutOfMemory, charm.Crashed:
		return conflicts == 0
	}
	return true
}
