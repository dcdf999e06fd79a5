package service_test

import (
	"strings"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
)

// failing makes a recipe whose handler has the body; the body stands on line 4.
func failing(body string) string {
	return `import { cell, handler, recipe } from "@commontools/builder";

const go = handler({}, { type: "object", properties: { n: { type: "number", asCell: true } } }, (_event, state) => {
  ` + body + `
});

export default recipe({ type: "object", properties: {} }, () => {
  const n = cell(1);
  return { n, bgUpdater: go({ n }) };
});
`
}

func TestFailuresAreToldForWhatTheyAre(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	bystander := d.add(counter, "beside", "counter", every(time.Second))
	cases := []struct {
		name, body string
		outcome    charm.Outcome
		code       charm.ErrorCode
		message    string
		position   string
	}{
		{"throws", `throw new TypeError("no such luck");`, charm.Errored, charm.CodeThrown, "TypeError: no such luck", "throws.tsx:4:13"},
		{"throws-a-string", `throw "just text";`, charm.Errored, charm.CodeThrown, "just text", ""},
		{"rejects", `return Promise.reject(new Error("later"));`, charm.Errored, charm.CodeThrown, "later", "rejects.tsx:4:29"},
		{"rejects-after-a-while", `return (async () => { await new Promise((r) => setTimeout(r, 50)); null.x; })();`, charm.Errored, charm.CodeThrown, "TypeError", "rejects-after-a-while.tsx:4:7"},
		{"rejects-unseen", `(async () => { await 0; throw new Error("nobody looks"); })();`, charm.Errored, charm.CodeRejection, "nobody looks", "rejects-unseen.tsx:4:37"},
		{"never-settles", `return new Promise(() => {});`, charm.Errored, charm.CodeNeverSettles, "can never settle", ""},
		{"loops", `console.log("before the loop"); while (true) {}`, charm.TimedOut, charm.CodeTimeout, "still running after 2s", ""},
		{"eats-memory", `const l = []; for (;;) l.push(new Array(1e5).fill(0));`, charm.OutOfMemory, charm.CodeMemory, "memory", ""},
	}
	t.Run("all at once", func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				ref := d.add(failing(c.body), "failing", c.name, notRegistered, func(r *api.AddRequest) {
					r.Timeout = "5m"
					if c.outcome == charm.TimedOut {
						r.Timeout = "2s"
					}
				})
				r := d.run(ref)
				if r.Outcome != c.outcome || r.Code != c.code {
					t.Errorf("ended as %s (%s), want %s (%s): %s", r.Outcome, r.Code, c.outcome, c.code, r.Error)
				}
				if !strings.Contains(r.Error, c.message) {
					t.Errorf("the message is %q, want it to say %q", r.Error, c.message)
				}
				if !strings.HasPrefix(r.Position, c.position) {
					t.Errorf("the position is %q, want %q", r.Position, c.position)
				}
				if c.name == "loops" {
					full, err := d.Client.RunRecord(t.Context(), r.ID)
					if err != nil || !strings.Contains(full.Log, "before the loop") {
						t.Errorf("the log of the killed run is %q, %v", full.Log, err)
					}
				}
				if n := result[struct{ N int }](t, d.show(ref)).N; n != 1 {
					t.Errorf("a run that failed left n = %d", n)
				}
			})
		}
		t.Run("detached work is waited for", func(t *testing.T) {
			t.Parallel()
			ref := d.add(failing(`setTimeout(() => state.n.set(7), 1200);`), "failing", "detached", notRegistered)
			started := time.Now()
			d.runOK(ref)
			if n := result[struct{ N int }](t, d.show(ref)).N; n != 7 || time.Since(started) < 1200*time.Millisecond {
				t.Errorf("after %v n = %d, want 7 after 1.2 s", time.Since(started), n)
			}
		})
	})
	d.await(bystander, "the others keep running", 20*time.Second, func(c api.Charm) bool {
		return c.State.TotalSuccesses > 2 && c.State.TotalFailures == 0
	})
}

func TestDisabledAfterFailuresWithANextTry(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir(), "--max-retries", "0", "--failures", "5")
	ref := d.add(failing(`throw new Error("always");`), "s", "broken", every(time.Second))
	c := d.await(ref, "disabled", 30*time.Second, func(c api.Charm) bool { return c.State.Disabled })
	if c.State.DisabledBy != charm.ByFailures || c.State.ConsecutiveFailures != 5 || c.State.NextTry == nil || c.NextRun != nil || c.Enabled {
		t.Errorf("it stands as %+v", c)
	}
	if wait := c.State.NextTry.Sub(*c.State.DisabledAt); wait != charm.FirstProbe {
		t.Errorf("the next try is %v after it was disabled", wait)
	}
	again, err := d.Client.Enable(t.Context(), ref)
	if err != nil || !again.Enabled || again.NextRun == nil || again.State.ConsecutiveFailures != 0 {
		t.Errorf("enabled it stands as %+v, %v", again, err)
	}
	off, err := d.Client.Disable(t.Context(), ref, "tired of it")
	if err != nil || off.State.DisabledBy != charm.ByPerson || off.State.DisabledReason != "tired of it" || off.State.NextTry != nil {
		t.Errorf("disabled by a person it stands as %+v, %v", off, err)
	}
}

func TestAddRefusesWhatCannotRun(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	noUpdater := "import { recipe } from \"@commontools/builder\";\n\nexport default recipe(\"x\", () => ({ n: 1 }));\n"
	cases := []struct {
		name, source, message string
		code                  charm.ErrorCode
	}{
		{"syntax", "const a = 1;\nconst b = ;\n", "syntax.tsx:2:11: ", charm.CodeCompile},
		{"unknown-import", "import x from \"left-pad\";\nexport default x;\n", "left-pad", charm.CodeCompile},
		{"no-default", "export const a = 1;\n", "No default recipe found", charm.CodeCompile},
		{"throws-at-load", "\nthrow new Error(\"at load\");\n", "throws-at-load.tsx:2:11: at load", charm.CodeCompile},
		{"no-updater", noUpdater, "no-updater.tsx:3:1: ", charm.CodeNoUpdater},
		{"brackets", strings.Repeat("[", 400_000), "", charm.CodeCompile},
		{"empty", "", "", charm.CodeInvalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := d.Client.Add(t.Context(), api.AddRequest{Entry: c.name + ".tsx", Files: map[string]string{c.name + ".tsx": c.source}, Space: "refused", Name: c.name})
			if charm.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.message) {
				t.Errorf("got %v (%s), want %s saying %q", err, charm.CodeOf(err), c.code, c.message)
			}
			if _, err := d.Client.Charm(t.Context(), client.Ref{Space: "refused", Charm: c.name}); charm.CodeOf(err) != charm.CodeNotFound {
				t.Errorf("something was registered: %v", err)
			}
		})
	}
	t.Run("not registered, a missing updater is allowed", func(t *testing.T) {
		t.Parallel()
		c := d.show(d.add(noUpdater, "allowed", "plain", notRegistered))
		if c.NextRun != nil || string(c.Result) != `{"n":1}` {
			t.Errorf("it stands as %+v, result %s", c, c.Result)
		}
	})
}
