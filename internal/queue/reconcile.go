package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"charmd/internal/charm"
	"charmd/internal/schedule"
	"charmd/internal/store"
)

// Breach is one way in which a charm or job stands against the invariants: a
// registered charm has exactly one of a next run, a live job, a next try or a
// stated reason for none (I1); one live claim per charm (I2); every run ends (I3).
type Breach struct {
	Kind   BreachKind
	Charm  charm.Charm // zero when it is of maintenance, or the charm is not there
	Job    string      // "" when it is of none
	Detail string      // one line for people
	Repair string      // what was done, one line; "" when it was only looked
}

// BreachKind names a breach for programs.
type BreachKind string

// The kinds.
const (
	Unarmed    BreachKind = "unarmed"     // it should run and nothing would make it
	FarAway    BreachKind = "far_away"    // its next run is later than its schedule can mean
	Stopped    BreachKind = "stopped"     // a job or a time waits of a charm that must not run by itself
	Rivals     BreachKind = "rivals"      // more than one live job of a charm
	DeadClaim  BreachKind = "dead_claim"  // a claim that nobody carries out
	Overdue    BreachKind = "overdue"     // a run that is in flight long after its lease
	LostClaim  BreachKind = "lost_claim"  // a run is in flight and its row is gone or changed
	OutOfStep  BreachKind = "out_of_step" // memory and store differ
	NotInStore BreachKind = "not_in_store"
)

// BreachKinds lists them all.
func BreachKinds() []BreachKind {
	return []BreachKind{Unarmed, FarAway, Stopped, Rivals, DeadClaim, Overdue, LostClaim, OutOfStep, NotInStore}
}

// Inspect looks for breaches in what the store holds of a service that is not
// running: claims are no breach, they are recovered at the next start.
func Inspect(r store.Reader, now time.Time) ([]Breach, error) {
	held, err := takeStock(r)
	if err != nil {
		return nil, err
	}
	var found []Breach
	for _, c := range held.charms {
		if kind, detail := stand(c, held.states[c.Row], held.jobs[c.Row], now); kind != "" {
			found = append(found, Breach{Kind: kind, Charm: c, Detail: detail})
		}
	}
	return found, nil
}

// stock is what the store holds of charms and live jobs.
type stock struct {
	charms []charm.Charm
	states map[int64]charm.State
	jobs   map[int64][]charm.Job // by charm; 0 is maintenance
}

func takeStock(r store.Reader) (s stock, err error) {
	if s.charms, err = r.Charms(""); err != nil {
		return s, err
	}
	if s.states, err = r.States(); err != nil {
		return s, err
	}
	jobs, err := r.Jobs(0)
	s.jobs = map[int64][]charm.Job{}
	for _, j := range jobs {
		s.jobs[j.Charm] = append(s.jobs[j.Charm], j)
	}
	return s, err
}

// longestAsked is how far away a host may ask not to be asked. What is further
// comes of a clock that was set back.
const longestAsked = 24 * time.Hour

// asked is when a host asked not to be asked before; the zero time when that
// cannot be believed.
func asked(s charm.State, now time.Time) time.Time {
	if s.NotBefore.After(now.Add(longestAsked)) {
		return time.Time{}
	}
	return s.NotBefore
}

// tooFar reports whether the next run is later than its schedule can mean.
func tooFar(c charm.Charm, s charm.State, now time.Time) bool {
	return s.NextRun.After(laterOf(schedule.Next(c, now), asked(s, now)))
}

// probed reports whether charm c with state s is tried from time to time.
func probed(c charm.Charm, s charm.State) bool {
	return c.Registered && s.Disabled && s.DisabledBy == charm.ByFailures && !c.ProbeNever
}

// stand judges how a charm stands in the store; "" is well.
func stand(c charm.Charm, s charm.State, jobs []charm.Job, now time.Time) (BreachKind, string) {
	runs, probed := runs(c, s), probed(c, s)
	switch {
	case len(jobs) > 1:
		return Rivals, fmt.Sprintf("%d jobs of it are live", len(jobs))
	case len(jobs) == 1 && jobs[0].Status == charm.Pending && !jobs[0].Once && !runs:
		return Stopped, "a job waits though it is not to run by itself"
	case len(jobs) == 1 && jobs[0].Status == charm.Pending && jobs[0].DueAt.After(laterOf(now.Add(2*charm.MaxBackoff), asked(s, now))):
		return FarAway, fmt.Sprintf("its job waits until %s, longer than any job does", jobs[0].DueAt.UTC().Format(time.RFC3339))
	case len(jobs) > 0:
	case !runs && !s.NextRun.IsZero():
		return Stopped, "it has a next run though it is not to run by itself"
	case !s.Disabled && !s.NextTry.IsZero():
		return Stopped, "it has a next try though it is not disabled"
	case runs && s.NextRun.IsZero():
		return Unarmed, "it has neither a next run nor a live job"
	case probed && s.NextTry.IsZero():
		return Unarmed, "failures disabled it and it has no next try"
	case runs && tooFar(c, s, now):
		return FarAway, fmt.Sprintf("its next run is at %s, which its schedule cannot mean", s.NextRun.UTC().Format(time.RFC3339))
	case probed && s.NextTry.After(now.Add(charm.MaxProbe)):
		return FarAway, fmt.Sprintf("its next try is at %s, more than %s away", s.NextTry.UTC().Format(time.RFC3339), charm.MaxProbe)
	}
	return "", ""
}

// confirm is how long after a first look a breach must still be there: memory
// follows a transaction a moment after it is on disk.
const confirm = time.Second

// Reconcile looks for breaches and repairs them. It looks twice, and believes
// only what it sees both times.
func (q *Queue) Reconcile(ctx context.Context) ([]Breach, error) {
	first, err := q.look(ctx)
	if err != nil || len(first) == 0 {
		return nil, err
	}
	select {
	case <-time.After(confirm):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	second, err := q.look(ctx)
	if err != nil {
		return nil, err
	}
	var repaired []Breach
	var failed error
	for _, b := range second {
		if !slices.ContainsFunc(first, func(a Breach) bool { return a.Kind == b.Kind && a.Charm.Row == b.Charm.Row && a.Job == b.Job }) {
			continue
		}
		if b.Repair, err = q.repair(ctx, b); err != nil {
			failed = errors.Join(failed, fmt.Errorf("repairing %s of %s: %w", b.Kind, b.Charm.Ref(), err))
			continue
		}
		repaired = append(repaired, b)
	}
	return repaired, failed
}

// look compares store and memory.
func (q *Queue) look(ctx context.Context) (found []Breach, err error) {
	var held stock
	if err := q.store.View(ctx, func(r store.Reader) (err error) {
		held, err = takeStock(r)
		return err
	}); err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.opts.Now()
	known := map[int64]bool{}
	for _, c := range held.charms {
		known[c.Row] = true
		b := Breach{Charm: c}
		if e := q.charms[c.Row]; e != nil && e.flying() && !q.holds(e, held.jobs[c.Row]) {
			b.Kind, b.Job, b.Detail = LostClaim, e.job.ID, "it is running and its claim's row is gone or changed"
		} else if b.Kind, b.Detail = stand(c, held.states[c.Row], held.jobs[c.Row], now); b.Kind == "" {
			b.Kind, b.Job, b.Detail = q.compare(c, held.states[c.Row], held.jobs[c.Row], now)
		}
		if b.Kind != "" {
			found = append(found, b)
		}
	}
	for row, e := range q.charms {
		if !known[row] {
			found = append(found, Breach{Kind: NotInStore, Charm: e.charm, Detail: "the service knows a charm that the store does not have"})
		}
	}
	for _, j := range held.jobs[0] {
		if e := q.tasks[j.ID]; e == nil || j.Status == charm.Running && !e.running {
			found = append(found, Breach{Kind: DeadClaim, Job: j.ID, Detail: fmt.Sprintf("nobody carries out the maintenance task %s", j.Task)})
		}
	}
	return found, nil
}

// compare judges memory by what the store has of a charm that stands well there.
// The caller holds mu.
func (q *Queue) compare(c charm.Charm, s charm.State, jobs []charm.Job, now time.Time) (BreachKind, string, string) {
	e := q.charms[c.Row]
	if e == nil {
		return OutOfStep, "", "the service does not know it"
	}
	var job charm.Job
	if len(jobs) > 0 {
		job = jobs[0]
	}
	switch {
	case e.flying() && now.After(e.job.LeaseEnd):
		return Overdue, job.ID, fmt.Sprintf("its run should have ended by %s", e.job.LeaseEnd.UTC().Format(time.RFC3339))
	case e.flying():
	case e.running && !e.abandoned:
		// Picked, and its claim is on the way to disk.
	case e.notBefore.After(now.Add(giveBackWait)):
		return OutOfStep, job.ID, "the clock was set back since it was last looked at"
	case job.Status == charm.Running:
		return DeadClaim, job.ID, "nobody carries out its claim"
	case (e.job == nil) != (len(jobs) == 0), e.job != nil && (e.job.ID != job.ID || !sameTime(e.job.DueAt, job.DueAt)):
		return OutOfStep, job.ID, "its live job is not the one the service knows"
	case e.job == nil && (!sameTime(e.state.NextRun, s.NextRun) || !sameTime(e.state.NextTry, s.NextTry) || e.state.Disabled != s.Disabled || e.state.Waiting != s.Waiting):
		return OutOfStep, "", "its next run or whether it is disabled is not what the service knows"
	}
	return "", "", ""
}

// ours is 1 for a claim of this service, 0 for any other job.
func (q *Queue) ours(j charm.Job) int {
	if j.Status == charm.Running && j.Epoch == q.epoch {
		return 1
	}
	return 0
}

// holds reports whether one of the rows is the claim of the run that e carries
// out. The caller holds mu.
func (q *Queue) holds(e *entry, jobs []charm.Job) bool {
	return slices.ContainsFunc(jobs, func(j charm.Job) bool {
		return j.ID == e.job.ID && j.Run == e.job.Run && q.ours(j) == 1
	})
}

// sameTime compares times as far as the store keeps them.
func sameTime(a, b time.Time) bool { return a.UnixMilli() == b.UnixMilli() }

// repair mends a breach and says what it did.
func (q *Queue) repair(ctx context.Context, b Breach) (done string, err error) {
	switch b.Kind {
	case Overdue:
		q.interrupt(b.Job, ErrOverdue)
		return "its run is ended", nil
	case NotInStore:
		return "the service forgets it", q.refresh(ctx, b.Charm.Row)
	case OutOfStep:
		return "the service follows the store", q.refresh(ctx, b.Charm.Row)
	case LostClaim:
		return "the claim is written again", q.restoreClaim(ctx, b.Charm.Row)
	}
	err = q.store.Update(ctx, func(tx store.Tx) (err error) {
		if b.Charm.Row == 0 {
			done = "it is taken away; maintenance comes around by itself"
			err = q.takeTaskAway(tx, b.Job)
			return err
		}
		done, err = q.mend(tx, b.Charm.Row)
		return err
	})
	return done, err
}

func (q *Queue) takeTaskAway(tx store.Tx, id string) error {
	tx.AfterCommit(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		delete(q.tasks, id)
	})
	return tx.DeleteJob(id)
}

// mend brings a charm into order in the store.
func (q *Queue) mend(tx store.Tx, row int64) (done string, err error) {
	now := q.opts.Now()
	c, err := tx.Charm(row)
	if err != nil {
		return "", err
	}
	s, jobs, err := stands(tx, row)
	if err != nil {
		return "", err
	}
	kind, _ := stand(c, s, jobs, now)
	switch {
	case kind == FarAway && len(jobs) == 1:
		done = "it runs at once"
		jobs[0].DueAt = now
		if err := tx.PutJob(jobs[0]); err != nil {
			return "", err
		}
	case kind == Stopped && len(jobs) > 0, kind == Rivals:
		done = "the job is taken away"
		keep := 0
		if kind == Rivals {
			done, keep = "only the oldest job stays, or the one that runs", 1
			slices.SortStableFunc(jobs, func(a, b charm.Job) int { return q.ours(b) - q.ours(a) })
		}
		var gone []charm.Job
		jobs, gone = jobs[:keep], jobs[keep:]
		for _, j := range gone {
			if err := tx.DeleteJob(j.ID); err != nil {
				return "", err
			}
			q.tellOf(tx, j, q.cancelled(j, "it should not have been there"))
		}
	case len(jobs) == 1 && jobs[0].Status == charm.Running:
		done = "it is recorded as lost and runs again"
		if s, jobs, err = q.lose(tx, s, jobs[0], now); err != nil {
			return "", err
		}
	}
	if len(jobs) == 0 {
		s = rearmed(c, s, now)
		if done == "" {
			done = "it does not run by itself"
			if at := laterOf(s.NextRun, s.NextTry); !at.IsZero() {
				done = "it runs next at " + at.UTC().Format(time.RFC3339)
			}
		}
	}
	if err := tx.PutState(row, s); err != nil {
		return "", err
	}
	tx.AfterCommit(func() { q.land(row) })
	return done, q.learn(tx, c)
}

// rearmed is the state of a charm without a live job, with the one time that it
// should have: what is missing is due at once, what is too far away comes back to
// its schedule.
func rearmed(c charm.Charm, s charm.State, now time.Time) charm.State {
	switch {
	case !runs(c, s):
		s.NextRun = time.Time{}
	case s.NextRun.IsZero():
		s.NextRun = now
	case tooFar(c, s, now):
		s.NextRun = schedule.Next(c, now)
	}
	switch {
	case !s.Disabled:
		s.NextTry = time.Time{}
	case !probed(c, s):
	case s.NextTry.IsZero():
		s.NextTry = now
	case s.NextTry.After(now.Add(charm.MaxProbe)):
		s.NextTry = now.Add(max(s.ProbeWait, charm.FirstProbe))
	}
	return s
}

// lose ends a claim that nobody carries out; its job waits to run again, if it is
// to.
func (q *Queue) lose(tx store.Tx, s charm.State, job charm.Job, now time.Time) (charm.State, []charm.Job, error) {
	run, err := recordLost(tx, job, now, "nobody carried out the run's claim any more")
	if err != nil {
		return s, nil, err
	}
	s, _ = q.states.After(s, run, false)
	if s.Disabled && !job.Once {
		return s, nil, tx.DeleteJob(job.ID)
	}
	again := *pendingAgain(job, now, job.Attempt)
	return s, []charm.Job{again}, tx.PutJob(again)
}

// land makes an entry whose claim was given up free again.
func (q *Queue) land(row int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.charms[row]; e != nil && e.abandoned {
		e.running, e.abandoned = false, false
	}
}

// restoreClaim writes the row of a run that is in flight again, as memory has it.
func (q *Queue) restoreClaim(ctx context.Context, row int64) error {
	return q.store.Update(ctx, func(tx store.Tx) error {
		_, jobs, err := stands(tx, row)
		if err != nil {
			return err
		}
		q.mu.Lock()
		e := q.charms[row]
		if e == nil || !e.running || e.job == nil || e.job.Status != charm.Running {
			q.mu.Unlock()
			return nil // it has ended meanwhile
		}
		claim := *e.job
		q.mu.Unlock()
		for _, j := range jobs {
			if j.ID != claim.ID {
				if err := tx.DeleteJob(j.ID); err != nil {
					return err
				}
			}
		}
		return tx.PutJob(claim)
	})
}
