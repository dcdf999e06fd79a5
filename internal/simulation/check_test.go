package simulation

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"charmd/internal/charm"
	"charmd/internal/queue"
	"charmd/internal/schedule"
	"charmd/internal/store"
)

// holdings are what the store has of charms and live jobs, and of the runs that
// were handed out.
type holdings struct {
	charms map[int64]charm.Charm
	states map[int64]charm.State
	jobs   map[int64][]charm.Job
	runs   map[string]charm.Run
}

// holdings reads them past every fault.
func (w *world) holdings() (h holdings) {
	w.t.Helper()
	h.charms, h.jobs, h.runs = map[int64]charm.Charm{}, map[int64][]charm.Job{}, map[string]charm.Run{}
	w.must(w.store.DB.View(context.Background(), func(r store.Reader) error {
		charms, err := r.Charms("")
		if err != nil {
			return err
		}
		for _, c := range charms {
			h.charms[c.Row] = c
		}
		if h.states, err = r.States(); err != nil {
			return err
		}
		jobs, err := r.Jobs(0)
		if err != nil {
			return err
		}
		for _, j := range jobs {
			h.jobs[j.Charm] = append(h.jobs[j.Charm], j)
		}
		for _, f := range append(w.unseen, w.flights...) {
			run, err := r.Run(f.claim.Job.Run)
			if err == nil {
				h.runs[run.ID] = run
			} else if !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		return nil
	}))
	return h
}

// looked notes that the service has just mended what was wrong.
func (w *world) looked() {
	w.hurt, w.jumped = false, false
	for _, f := range w.unseen {
		f.abandoned = false
	}
}

// check looks at what must be true at every moment between two things that happen.
func (w *world) check() {
	w.t.Helper()
	h := w.holdings()
	if !w.hurt {
		for _, s := range w.queue.Standings() {
			if _, there := h.charms[s.Charm.Row]; !there {
				w.wrong("the service knows %s, the store does not", s.Charm.Name)
			}
		}
		for row := range h.charms {
			w.armed(h, row)
			w.remembered(h, row)
		}
		w.held(h)
	}
	w.ended(h)
	if w.now%10 == 0 {
		w.whole()
	}
}

// armed is I1: exactly one of a next run, a live job, a next try, or a stated
// reason for none; and none of them further away than it can mean.
func (w *world) armed(h holdings, row int64) {
	w.t.Helper()
	c, s, jobs := h.charms[row], h.states[row], h.jobs[row]
	runs := c.Registered && !s.Disabled && !s.Waiting.Is()
	probed := c.Registered && s.Disabled && s.DisabledBy == charm.ByFailures && !c.ProbeNever
	now := w.wall()
	switch {
	case len(jobs) > 1:
		w.wrong("I2: %s has %d live jobs", c.Name, len(jobs))
	case len(jobs) == 1:
		j := jobs[0]
		if j.Status == charm.Pending && !j.Once && !runs {
			w.wrong("I1: a job of %s waits, which is not to run: %+v", c.Name, s)
		}
		if !w.jumped && j.Status == charm.Pending && j.DueAt.After(now.Add(charm.MaxProbe)) {
			w.wrong("I1: a job of %s waits until %v", c.Name, j.DueAt)
		}
	case runs && s.NextRun.IsZero():
		w.wrong("I1: nothing makes %s run: %+v", c.Name, s)
	case probed && s.NextTry.IsZero():
		w.wrong("I1: nothing makes %s be tried: %+v", c.Name, s)
	case !runs && !s.NextRun.IsZero(), !s.Disabled && !s.NextTry.IsZero():
		w.wrong("I1: %s has more than one of a next run, a next try, and a reason for none: %+v", c.Name, s)
	case w.jumped:
	case runs && s.NextRun.After(latest(schedule.Next(c, now), now.Add(charm.MaxProbe))):
		w.wrong("I1: %s runs only at %v", c.Name, s.NextRun)
	case probed && s.NextTry.After(now.Add(charm.MaxProbe)):
		w.wrong("I1: %s is tried only at %v", c.Name, s.NextTry)
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// remembered says that the service knows the charm as the store has it.
func (w *world) remembered(h holdings, row int64) {
	w.t.Helper()
	c, s := h.charms[row], h.states[row]
	known, ok := w.queue.Standing(row)
	if !ok {
		w.wrong("the service does not know %s", c.Name)
	}
	m := known.State
	live := len(h.jobs[row]) > 0 // it takes precedence over both times
	same := (live || ms(m.NextRun) == ms(s.NextRun) && ms(m.NextTry) == ms(s.NextTry)) && m.Disabled == s.Disabled && m.Waiting == s.Waiting &&
		m.Executions == s.Executions && m.ConsecutiveFailures == s.ConsecutiveFailures && m.UncleanStops == s.UncleanStops
	if w.redone[row] { // the rest of a row that was changed is taken up with the next run
		same = live || ms(m.NextRun) == ms(s.NextRun) && ms(m.NextTry) == ms(s.NextTry) && m.Disabled == s.Disabled && m.Waiting == s.Waiting
	}
	if !same {
		w.wrong("the service knows the state of %s as\n%+v, the store has\n%+v", c.Name, m, s)
	}
	if known.Charm.Registered != c.Registered || known.Charm.Schedule != c.Schedule {
		w.wrong("the service knows %s as %+v, the store as %+v", c.Name, known.Charm, c)
	}
	var j charm.Job
	if len(h.jobs[row]) > 0 {
		j = h.jobs[row][0]
	}
	switch {
	case known.Job == nil && j.ID == "":
	case known.Job == nil || known.Job.ID != j.ID || known.Job.Status != j.Status || known.Job.Run != j.Run,
		j.Status == charm.Pending && ms(known.Job.DueAt) != ms(j.DueAt):
		w.wrong("the service knows the job of %s as\n%+v, the store has\n%+v", c.Name, known.Job, j)
	}
}

func ms(t time.Time) int64 { return t.UnixMilli() }

// held is I2: every claim on disk is one that was handed out, or given up, and
// every run in flight has its claim on disk.
func (w *world) held(h holdings) {
	w.t.Helper()
	rows := map[string]charm.Job{}
	for _, jobs := range h.jobs {
		for _, j := range jobs {
			if j.Status == charm.Running {
				rows[j.Run] = j
			}
		}
	}
	for run, j := range rows {
		f := w.claims[run]
		if f == nil || f.queue != w.queue || f.claim.Job.Epoch != j.Epoch {
			w.wrong("I2: a claim on disk that nobody holds: %+v", j)
		}
	}
	for _, f := range w.flights {
		_, there := h.charms[f.claim.Job.Charm]
		if _, held := rows[f.claim.Job.Run]; !held && (there || f.claim.Job.Charm == 0) {
			w.wrong("I2: %s is in flight without a claim on disk", w.nameOf(f))
		}
	}
}

// ended is I3: a run that is over has one record, one in flight has none.
func (w *world) ended(h holdings) {
	w.t.Helper()
	for _, f := range w.flights {
		if run, recorded := h.runs[f.claim.Job.Run]; recorded && !w.hurt {
			w.wrong("I3: %s is in flight and is recorded as %s", w.nameOf(f), run.Outcome)
		}
	}
	var left []*flight
	for _, f := range w.unseen {
		run, recorded := h.runs[f.claim.Job.Run]
		_, there := h.charms[f.claim.Job.Charm]
		switch {
		case recorded && w.told[run.ID] != 0 && run.Outcome != charm.OK:
			w.wrong("I3: %s was told as ok and is recorded as %s", w.nameOf(f), run.Outcome)
		case recorded || f.excused || !there && f.claim.Job.Charm != 0:
		case f.abandoned:
			left = append(left, f)
		default:
			w.wrong("I3: %s has ended and has no record", w.nameOf(f))
		}
	}
	w.unseen = left
}

// whole is I4: what runs did to their cells is there exactly once for each success
// on record, and every success that was told is on record.
func (w *world) whole() {
	w.t.Helper()
	var runs []charm.Run
	cells := map[int64]string{}
	var states map[int64]charm.State
	w.must(w.store.DB.View(context.Background(), func(r store.Reader) (err error) {
		if runs, err = r.Runs(store.RunFilter{Limit: 1 << 20}); err != nil {
			return err
		}
		for row := range w.names {
			if cells[row], err = r.Value(cell(row)); err != nil {
				return err
			}
		}
		states, err = r.States()
		return err
	}))
	good, seen := map[int64]int{}, map[string]bool{}
	for _, run := range runs {
		if run.Outcome == charm.OK {
			good[run.Charm]++
			seen[run.ID] = true
		}
	}
	for id, row := range w.told {
		if !seen[id] {
			w.wrong("I4: a success of %s that was told is not on record", w.names[row])
		}
	}
	for row, name := range w.names {
		if n, _ := strconv.Atoi(cells[row]); n != good[row] { // "" is 0
			w.wrong("I4: the cell of %s stands at %d after %d successes", name, n, good[row])
		}
		if s, ok := states[row]; ok && !w.redone[row] && s.Successes != int64(good[row]) {
			w.wrong("%s counts %d successes, %d are on record", name, s.Successes, good[row])
		}
	}
}

// answered reports whether all who wait for a job were told.
func (w *world) answered() bool {
	w.waiting = slices.DeleteFunc(w.waiting, func(a *watcher) bool {
		select {
		case <-a.done:
			return true
		default:
			return false
		}
	})
	return len(w.waiting) == 0
}

// overdue says that runs in flight past their lease were told to end. The service
// looks twice, a second apart.
func (w *world) overdue() {
	w.t.Helper()
	for _, f := range w.flights {
		s, ok := w.queue.Standing(f.claim.Job.Charm)
		if ok && s.Job != nil && f.until.Add(3*time.Second).Before(w.wall()) && !errors.Is(context.Cause(f.ctx), queue.ErrOverdue) && f.ctx.Err() == nil {
			w.wrong("I3: %s is past its lease and was not ended", w.nameOf(f))
		}
	}
}
