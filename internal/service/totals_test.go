package service_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/client"
)

// TestTotalsAreExactOverKill kills the daemon under load, and again while it
// recovers. The totals of the service are those of the run records.
func TestTotalsAreExactOverKill(t *testing.T) {
	t.Parallel()
	const kills, charms = 4, 8 // few enough for retention to take nothing
	dir := t.TempDir()
	d := startDaemon(t, dir, "--max-retries", "0", "--failures", "1000000")
	var refs []client.Ref
	for i := range charms {
		source := counter
		if i%4 == 3 {
			source = failing(`throw new Error("always");`)
		}
		refs = append(refs, d.add(source, "s", fmt.Sprintf("c%d", i), notRegistered))
	}
	for life := range kills {
		load, stop := context.WithCancel(t.Context())
		var clients, begun sync.WaitGroup
		for _, ref := range refs {
			begun.Add(1)
			clients.Go(func() {
				for n := range 40 {
					_, err := d.Client.Run(load, ref, true)
					if n == 0 {
						begun.Done()
					}
					if err != nil {
						return // the daemon is being killed
					}
				}
			})
		}
		begun.Wait() // however slow the machine is, there is a load
		timer := time.NewTimer(time.Duration(100+100*life) * time.Millisecond)
		<-timer.C
		d.Kill()
		stop()
		clients.Wait()
		d = startDaemon(t, dir, "--max-retries", "0", "--failures", "1000000")
		d.quiet()
		d.totalsMatchRecords(life)
	}
}

// quiet disables what runs by its schedule and waits until nothing is running.
func (d *daemon) quiet() {
	d.t.Helper()
	if _, err := d.Client.Disable(d.t.Context(), client.Ref{Space: "home", Charm: "heartbeat"}, "counting"); err != nil {
		d.t.Fatal(err)
	}
	awaitTrue(d.t, "nothing runs", func() bool {
		jobs, err := d.Client.Jobs(d.t.Context())
		if err != nil {
			d.t.Fatal(err)
		}
		return len(jobs) == 0
	})
}

func (d *daemon) totalsMatchRecords(life int) {
	d.t.Helper()
	// Counting follows the end of a job; nothing else moves any more.
	var executions, successes, failures int64
	for before := ""; ; {
		page, err := d.Client.Runs(d.t.Context(), client.Query{Limit: 1000, Before: before})
		if err != nil {
			d.t.Fatal(err)
		}
		for _, r := range page {
			before = r.ID
			if r.Charm == "" || r.Outcome == charm.Lost || r.Outcome == charm.Cancelled {
				continue
			}
			executions++
			if r.Outcome == charm.OK {
				successes++
			}
			if r.Outcome.CountsAsFailure() {
				failures++
			}
		}
		if len(page) < 1000 {
			break
		}
	}
	if executions == 0 || successes == 0 || failures == 0 {
		d.t.Fatalf("life %d: the load was none: %d, %d, %d", life, executions, successes, failures)
	}
	awaitTrue(d.t, fmt.Sprintf("the totals are %d, %d, %d", executions, successes, failures), func() bool {
		s, err := d.Client.Status(d.t.Context())
		if err != nil {
			d.t.Fatal(err)
		}
		return s.TotalExecutions == executions && s.TotalSuccesses == successes && s.TotalFailures == failures
	})
	d.t.Logf("life %d: %d runs, %d failed", life, executions, failures)
}
