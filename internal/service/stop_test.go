package service_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/process"
)

// lingering takes its time and then counts.
const lingering = `import { handler, recipe } from "@commontools/builder";

const add = handler({}, {
  type: "object",
  properties: { ms: { type: "number" }, value: { type: "number", default: 0, asCell: true } },
}, async (_event, state) => {
  await new Promise((r) => setTimeout(r, state.ms));
  state.value.set(state.value.get() + 1);
});

export default recipe(
  { type: "object", properties: { ms: { type: "number", default: 0 }, value: { type: "number", default: 0 } } },
  ({ ms, value }) => ({ value, bgUpdater: add({ ms, value }) }),
);
`

// fifty starts a daemon in which fifty charms are claimed or running, some of
// which can end within the grace period and some of which cannot.
func fifty(t *testing.T, args ...string) (d *daemon, refs []client.Ref) {
	d = startDaemon(t, t.TempDir(), append([]string{"--max-concurrent", "13", "--max-retries", "0"}, args...)...)
	// They begin when all are there: whom to add is compiled in the same workers.
	if _, err := d.Client.Pause(t.Context(), api.PauseRequest{All: true}); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		ms := 300
		if i%2 == 0 {
			ms = 300_000 // longer than a full machine takes for what is done meanwhile
		}
		refs = append(refs, d.add(lingering, fmt.Sprintf("s%d", i%5), fmt.Sprintf("c%d", i), rarely, timeout(charm.MaxTimeout), argument(`{"ms":%d}`, ms)))
	}
	if _, err := d.Client.Resume(t.Context(), api.PauseRequest{All: true}); err != nil {
		t.Fatal(err)
	}
	return d, refs
}

// awaitRunning waits until n runs are in flight.
func (d *daemon) awaitRunning(n int) {
	d.t.Helper()
	d.await(client.Ref{Space: "s0", Charm: "c0"}, "runs are in flight", 30*time.Second, func(api.Charm) bool {
		jobs, err := d.Client.Jobs(d.t.Context())
		if err != nil {
			d.t.Fatal(err)
		}
		running := 0
		for _, j := range jobs {
			if j.Status == charm.Running {
				running++
			}
		}
		return running >= n
	})
}

// TestFault23_StopDuringFiftyRuns stops the service with fifty runs in flight:
// those that end within the grace period do, the others are handed back and run
// at the next start, and nobody's failure is counted.
func TestFault23_StopDuringFiftyRuns(t *testing.T) {
	t.Parallel()
	d, refs := fifty(t, "--grace", "2s")
	d.awaitRunning(13)
	workers := process.Children(d.PID)
	if err := d.Stop(); err != nil {
		t.Fatalf("the stop ended with %v", err)
	}
	awaitGone(t, workers)
	inspect(t, d.Dir)
	d = startDaemon(t, d.Dir, "--max-concurrent", "13", "--max-retries", "0")
	handedBack := 0
	for _, ref := range refs {
		c := d.show(ref)
		if c.State.TotalFailures != 0 || c.State.LastError != "" || c.State.Disabled {
			t.Errorf("%s: the stop counted against it: %+v", c.Name, c.State)
		}
		runs, err := d.Client.RunsOf(t.Context(), ref, client.Query{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range runs {
			switch {
			case r.Code == charm.CodeHandedBack:
				handedBack++
			case r.Outcome != charm.OK:
				t.Errorf("%s: a run ended as %s: %s", c.Name, r.Outcome, r.Error)
			}
		}
		if c.Status != string(charm.Running) && c.Status != string(charm.Pending) {
			t.Errorf("%s is %s after the restart", c.Name, c.Status)
		}
	}
	if handedBack == 0 {
		t.Error("nothing was handed back; the stop met no run")
	}
}

// TestFault23_KilledAfterTheGracePeriod has a stop that does not get done: the
// second signal ends it at once, and nothing is lost.
func TestFault23_KilledAfterTheGracePeriod(t *testing.T) {
	t.Parallel()
	d, refs := fifty(t, "--grace", "60s")
	d.awaitRunning(13)
	workers := process.Children(d.PID)
	if err := d.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	d.await(refs[0], "it says that it is stopping", 10*time.Second, func(api.Charm) bool {
		status, err := d.Client.Status(t.Context())
		return err == nil && !status.Ready
	})
	if err := d.Stop(); err == nil {
		t.Error("a stop that was cut short exits with 0")
	}
	awaitGone(t, workers)
	inspect(t, d.Dir)
	d = startDaemon(t, d.Dir, "--max-concurrent", "13", "--max-retries", "0")
	for _, ref := range refs {
		if c := d.show(ref); c.State.TotalFailures != 0 || c.State.Disabled {
			t.Errorf("%s: the kill counted against it: %+v", c.Name, c.State)
		}
	}
	for i := 0; i < len(refs); i += 2 { // suspects run alone, and these would take their time
		if _, err := d.Client.Disable(t.Context(), refs[i], "slow"); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Client.CancelJobOf(t.Context(), refs[i]); err != nil && charm.CodeOf(err) != charm.CodeNotFound {
			t.Fatal(err)
		}
	}
	quick := refs[1]
	d.await(quick, "it goes on", 60*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses > 0 })
}
