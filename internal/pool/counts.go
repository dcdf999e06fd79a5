package pool

// Reasons why a worker process ended that no task's end shows.
const (
	EndedWorn     = "runs"        // it had done Options.RunsPerWorker
	EndedLarge    = "memory"      // it had grown large
	EndedStopping = "stopping"    // the pool closes
	NotStarted    = "not_started" // it could not be launched
)

// Counts is what the processes do, taken together.
type Counts struct {
	Busy, Idle, Starting int
	Waiting              int   // tasks that wait for a worker
	ResidentBytes        int64 // of all of them, after their last tasks
}

// Counts counts the live processes.
func (p *Pool) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := Counts{Waiting: len(p.waiting)}
	for w := range p.workers {
		w.mu.Lock()
		switch {
		case w.job != nil:
			c.Busy++
		case w.ready:
			c.Idle++
		default:
			c.Starting++
		}
		c.ResidentBytes += w.resident
		w.mu.Unlock()
	}
	return c
}

// ended tells that the worker is gone, and why.
func (w *worker) ended(e Exit) {
	w.mu.Lock()
	why := w.leaving
	w.mu.Unlock()
	if why == "" {
		why = string(e.Kind)
	}
	w.pool.o.Ended(why)
}
