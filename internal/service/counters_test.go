package service_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"charmd/internal/client"
)

// runMany has every charm run n times, as fast as people may ask.
func (d *daemon) runMany(refs []client.Ref, n int) {
	d.t.Helper()
	var all sync.WaitGroup
	for _, ref := range refs {
		all.Go(func() {
			for range n {
				reply, err := d.Client.Run(d.t.Context(), ref, true)
				if err != nil {
					d.t.Error(err)
					return
				}
				if reply.Run.Outcome != "ok" {
					d.t.Errorf("a run of %s ended as %s: %s", ref, reply.Run.Outcome, reply.Run.Error)
				}
			}
		})
	}
	all.Wait()
}

func TestManyCountersSumUp(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	var refs []client.Ref
	for i := range 200 {
		refs = append(refs, d.add(counter, fmt.Sprintf("space-%d", i%10), fmt.Sprintf("counter-%d", i), notRegistered))
	}
	d.runMany(refs, 20)
	sum := int64(0)
	for _, ref := range refs {
		c := d.show(ref)
		sum += result[counted](t, c).Value
		if c.State.TotalSuccesses != 20 {
			t.Errorf("%s has %d successes of 20", c.Name, c.State.TotalSuccesses)
		}
	}
	if sum != 4000 {
		t.Errorf("the sum is %d, want 4000", sum)
	}
}

func TestCountersOnOneCellSumUp(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	shared := d.add(counter, "one", "shared", notRegistered)
	link := fmt.Sprintf(`{"value":{"cell":{"/":%q},"path":["value"]}}`, shared.Charm)
	var refs []client.Ref
	for i := range 20 {
		refs = append(refs, d.add(counter, "one", fmt.Sprintf("adder-%d", i), notRegistered, argument("%s", link)))
	}
	d.runMany(refs, 50)
	if got := result[counted](t, d.show(shared)).Value; got != 1000 {
		t.Errorf("the cell holds %d, want 1000", got)
	}
}

// slow fetches, which takes three seconds, and then adds one to a cell that
// somebody else keeps writing.
const slow = `import { handler, recipe } from "@commontools/builder";

const add = handler({}, {
  type: "object",
  properties: {
    url: { type: "string" },
    seen: { type: "array", items: { type: "number" }, default: [], asCell: true },
    tick: { type: "number", default: 0, asCell: true },
  },
}, async (_event, state) => {
  const before = state.tick.get();
  const reply = await fetch(state.url, { method: "POST", body: "once" });
  await reply.text();
  state.seen.push(state.tick.get() - before);
});

export default recipe(
  { type: "object", properties: { url: { type: "string", default: "" }, tick: { type: "number", default: 0 }, seen: { type: "array", items: { type: "number" }, default: [] } } },
  ({ url, tick, seen }) => ({ tick, seen, bgUpdater: add({ url, tick, seen }) }),
);
`

func TestSlowRunBesideABusyWriter(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	url, host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		select {
		case <-time.After(3 * time.Second):
		case <-r.Context().Done():
		}
		_, _ = w.Write([]byte("ok"))
	})
	d := startDaemon(t, t.TempDir())
	ref := d.add(slow, "busy", "slow", notRegistered, allow(host), argument(`{"url":%q}`, url))
	done := d.begin(ref)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	written := 0
	for running := true; running; {
		select {
		case r := <-done:
			if r.Outcome != "ok" || r.Conflicts == 0 {
				t.Errorf("the slow run ended as %s after %d conflicts: %s", r.Outcome, r.Conflicts, r.Error)
			}
			running = false
		case <-tick.C:
			written++
			if err := d.Client.SetCell(t.Context(), ref, []string{"tick"}, fmt.Append(nil, written)); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := result[struct {
		Tick int
		Seen []int
	}](t, d.show(ref))
	if got.Tick != written || len(got.Seen) != 1 {
		t.Errorf("the cells hold %+v; %d ticks were written, and one run ended", got, written)
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("the request was sent %d times", n)
	}
}
