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

// stand judges how a charm stands in the store; "" is well.
func stand(c charm.Charm, s charm.State, jobs []charm.Job, now time.Time) (BreachKind, string) {
	unusable := schedule.Unusable(c.Schedule)
	runs := c.Registered && !s.Disabled && (!s.Waiting.Is() || s.Waiting.For == charm.ForSchedule)
	probed := probed(c, s)
	switch {
	case len(jobs) > 1:
		return Rivals, fmt.Sprintf("%d jobs of it are live", len(jobs))
	case len(jobs) == 1 && jobs[0].Status == charm.Pending && !jobs[0].Once && !runs:
		return Stopped, "a job waits though it is not to run by itself"
	case len(jobs) == 1 && jobs[0].Status == charm.Pending && !schedule.BelievableRetry(s, jobs[0].DueAt, now):
		return FarAway, fmt.Sprintf("its job waits until %s, longer than any job does", jobs[0].DueAt.UTC().Format(time.RFC3339))
	case len(jobs) == 1 && !carried(jobs[0]):
		return DeadClaim, fmt.Sprintf("its job is of the type %q and is %q, which nobody carries out", jobs[0].Type, jobs[0].Status)
	case len(jobs) > 0:
	case s.Disabled && !s.DisabledBy.Known():
		return Unarmed, fmt.Sprintf("it is disabled by %q, which says nothing of when it is tried again", s.DisabledBy)
	case !s.NextRun.IsZero() && (!runs || s.Waiting.Is()):
		return Stopped, "it has a next run though it is not to run by itself"
	case !s.Disabled && !s.NextTry.IsZero():
		return Stopped, "it has a next try though it is not disabled"
	case runs && unusable.Is() != s.Waiting.Is():
		return Unarmed, "what it says of its schedule is not so"
	case runs && s.Waiting.Is():
	case runs && s.NextRun.IsZero():
		return Unarmed, "it has neither a next run nor a live job"
	case probed && s.NextTry.IsZero():
		return Unarmed, "failures disabled it and it has no next try"
	case (runs || probed) && !schedule.Believable(c, s, now):
		return FarAway, fmt.Sprintf("it waits until %s, which its schedule cannot mean", laterOf(s.NextRun, s.NextTry).UTC().Format(time.RFC3339))
	}
	return "", ""
}

// carried reports whether a charm's job is one that anybody looks for.
func carried(j charm.Job) bool {
	return j.Type == charm.ExecuteCharm && (j.Status == charm.Pending || j.Status == charm.Running)
}

// confirm is how long after a first look a breach must still be there: memory
// follows a transaction a moment after it is on disk.
const confirm = time.Second

// Breaches looks for breaches. It looks twice, and believes only what it sees
// both times.
func (q *Queue) Breaches(ctx context.Context) ([]Breach, error) {
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
	return slices.DeleteFunc(second, func(b Breach) bool {
		return !slices.ContainsFunc(first, func(a Breach) bool { return a.Kind == b.Kind && a.Charm.Row == b.Charm.Row && a.Job == b.Job })
	}), err
}

// Reconcile looks for breaches and repairs them. It returns what it found; one
// without a Repair could not be mended, which the error explains.
func (q *Queue) Reconcile(ctx context.Context) ([]Breach, error) {
	q.mending.Lock()
	defer q.mending.Unlock()
	found, err := q.Breaches(ctx)
	if err != nil {
		return nil, err
	}
	var failed error
	for i, b := range found {
		if found[i].Repair, err = q.repair(ctx, b); err != nil {
			found[i].Repair = ""
			failed = errors.Join(failed, fmt.Errorf("repairing %s of %s: %w", b.Kind, b.Charm.Ref(), err))
		}
	}
	return found, failed
}

// LookTook is how long the last look of Reconcile took.
func (q *Queue) LookTook() time.Duration { return time.Duration(q.lookTook.Load()) }

// look compares store and memory.
func (q *Queue) look(ctx context.Context) (found []Breach, err error) {
	began := time.Now()
	defer func() { q.lookTook.Store(int64(time.Since(began))) }()
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
	return append(found, q.lookAtTasks(held.jobs[0])...), nil
}

// lookAtTasks is look for maintenance. The caller holds mu.
func (q *Queue) lookAtTasks(rows []charm.Job) (found []Breach) {
	known := map[string]bool{}
	for _, j := range rows {
		known[j.ID] = true
		if e := q.tasks[j.ID]; e == nil || j.Status == charm.Running && (!e.running || e.abandoned) {
			found = append(found, Breach{Kind: DeadClaim, Job: j.ID, Detail: fmt.Sprintf("nobody carries out the maintenance task %s", j.Task)})
		}
	}
	for id, e := range q.tasks {
		if !known[id] && (!e.running || e.abandoned) {
			found = append(found, Breach{Kind: NotInStore, Job: id, Detail: fmt.Sprintf("the service knows a maintenance task %s that the store does not have", e.job.Task)})
		}
	}
	return found
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
	case e.flying() && !e.until.IsZero() && now.After(e.until):
		return Overdue, job.ID, fmt.Sprintf("its run should have ended by %s", e.until.UTC().Format(time.RFC3339))
	case e.flying():
	case e.running && !e.abandoned:
		// Picked, and its claim is on the way to disk.
	case e.abandoned && job.Status != charm.Running:
		return OutOfStep, job.ID, "its claim was given up, and its row is gone or changed"
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
		return j.ID == e.job.ID && j.Type == e.job.Type && j.Run == e.job.Run && q.ours(j) == 1 && sameTime(j.LeaseEnd, e.job.LeaseEnd)
	})
}

// sameTime compares times as far as the store keeps them.
func sameTime(a, b time.Time) bool { return a.UnixMilli() == b.UnixMilli() }
