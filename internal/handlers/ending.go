package handlers

import (
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
	if mayBeStale(e.result, e.conflicts) {
		if err := memory.Check(tx, e.result.Space, e.result.Read); err != nil {
			return err
		}
	}
	if e.result.Draft != nil {
		receipt, err := e.Memory.Commit(tx, e.result.Draft, e.hold)
		if err != nil {
			return err
		}
		e.run.Since = receipt.Since
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
	if err := e.account(tx); err != nil {
		return err
	}
	if err := e.transition(tx); err != nil {
		return err
	}
	if err := e.Queue.End(tx, e.claim, e.run, end, e.after); err != nil {
		return err
	}
	if err := e.learn(tx); err != nil {
		return err
	}
	e.next = e.Queue.ClaimNext(tx)
	return nil
}

// account lets a charm go on whose account was connected again while its run found
// it disconnected: nobody would wake it any more.
func (e *ending) account(tx store.Tx) error {
	if !e.after.WaitsForAccount() {
		return nil
	}
	list, err := tx.Connections()
	if err != nil {
		return err
	}
	mine, lost := false, false
	for _, c := range list {
		mine = mine || c.Space == e.claim.Charm.Space && c.Charm == e.claim.Charm.ID
		lost = lost || c.Space == e.claim.Charm.Space && c.State == charm.Disconnected
	}
	if mine && !lost {
		e.after.Waiting = ""
	}
	return nil
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

// learn keeps what the run showed of hosts and of the charm's errors.
func (e *ending) learn(tx store.Tx) error {
	if err := e.Runner.SaveHosts(tx); err != nil {
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
