package runcharm_test

import (
	"fmt"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/runcharm"
	"charmd/internal/wire"
)

// The worker refuses a request beyond those that a run may make by itself. A run that
// cannot bear that has passed a limit, whatever the requests before it came to; one that
// bears it ends well.
func TestARequestTooMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		last    string
		outcome charm.Outcome
		code    charm.ErrorCode
	}{
		"thrown": {"await one()", charm.Errored, charm.CodeEgressLimit},
		"caught": {"await one().catch(() => {})", charm.OK, ""},
	} {
		h, err := w.newHome(t, name, fmt.Sprintf(`
			import { handler, recipe } from "@commontools/builder";
			const one = () => fetch("http://example.org/");
			const update = handler({}, {}, async () => {
				await Promise.all(Array.from({ length: %d }, one));
				%s;
			});
			export default recipe({ type: "object", properties: {} }, () => ({ bgUpdater: update({}) }));
		`, charm.MaxRequestsPerRun, c.last), "http://example.org", map[string]reply{"http://example.org/": {Status: 503}})
		check(t, err)
		r := h.attempt(t, runcharm.Work{Mode: wire.ModeEvent, Charm: charm.Charm{ID: charmID(name).Link()}, Stream: []string{"bgUpdater"}, Event: encoded(struct{}{})})
		if r.Outcome != c.outcome || r.Code != c.code || r.Requests != charm.MaxRequestsPerRun || len(h.take()) != charm.MaxRequestsPerRun {
			t.Errorf("%s: %s (%s) %s after %d requests", name, r.Outcome, r.Code, r.Error, r.Requests)
		}
	}
}
