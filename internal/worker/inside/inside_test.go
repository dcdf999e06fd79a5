package inside

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/wire"

	"github.com/google/go-cmp/cmp"
)

func TestEveryRunStartsFromTheSameHeap(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, o Options) {
		l := newLab(t, o)
		for range 3 {
			l.expect("[1,0]", `
				globalThis.count = (globalThis.count ?? 0) + 1;
				const before = Object.keys(Array.prototype).length;
				Array.prototype.leak = 1;
				Object.freeze(Object.prototype);
				save([count, before])`)
		}
	})
}

func TestRandomNumbersAreThoseOfTheSeed(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, o Options) {
		l := newLab(t, o)
		body := `save([Math.random(), Math.random(), ...host.entropy(40)])`
		first, again := l.saves(body), l.saves(body)
		other := l.saves(body, func(t *wire.Task) { t.Seed++ })
		if first != again || first == other {
			t.Errorf("%s\n%s\n%s", first, again, other)
		}
		l.expect(`["QuotaExceededError","QuotaExceededError","QuotaExceededError"]`, `save([-1, 65537, NaN].map((n) => {
			try { return host.entropy(n).length } catch (e) { return e.name }
		}))`)
	})
}

func TestTheTaskReachesTheRuntime(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	got := l.saves(`save([task, JSON.parse(host.env())])`, func(t *wire.Task) {
		t.Mode, t.Argument, t.Stream, t.Event = wire.ModeCast, []byte(`{"a":[1]}`), []string{"x", "y"}, []byte(`"e"`)
	})
	recipe := `save([task, JSON.parse(host.env())])`
	want := `{"value":[{"mode":"cast","charm":"` + charmID + `","process":"p","space":"s","recipe":"` + recipe +
		`","argument":{"a":[1]},"stream":["x","y"],"event":"e","run":"run-1"},{"apiUrl":"http://toolshed.test","occasion":"job-1"}]}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestErrorsNobodyHandled(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, o Options) {
		l := newLab(t, o)
		r := l.do(`
			timer(1, () => { throw new RangeError("in a callback") });
			Promise.reject(new Error("alone"));
			const late = Promise.reject(new Error("handled later"));
			await sleep(5);
			late.catch(() => {});
			save(1)`)
		var got []string
		for _, f := range r.Rejections {
			got = append(got, f.Kind+" "+f.Name+" "+f.Message)
		}
		want := []string{"rejection RangeError in a callback", "rejection Error alone"}
		if diff := cmp.Diff(want, got); diff != "" || r.Ended != wire.Finished || len(r.Changed) != 1 {
			t.Error(r, diff)
		}
		if !strings.Contains(r.Rejections[0].Stack, "recipe.js:") {
			t.Errorf("stack %q", r.Rejections[0].Stack)
		}
	})
}

func TestAThrowInAHandlerIsInTheReport(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	long := strings.Repeat("é", charm.MaxErrorBytes)
	r := l.do(`throw new TypeError("boom " + "` + long + `")`)
	if len(r.Report.Failures) != 1 {
		t.Fatalf("%+v", r)
	}
	f := r.Report.Failures[0]
	if f.Kind != "handler" || f.Name != "TypeError" || !strings.HasPrefix(f.Message, "boom é") || len(f.Message) > charm.MaxErrorBytes {
		t.Errorf("%.50q, %d bytes", f.Message, len(f.Message))
	}
}

func TestAHandlerThatNothingCanSettle(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, o Options) {
		l := newLab(t, o)
		start := time.Now()
		r := l.do(`save(1); await new Promise(() => {})`)
		if r.Ended != wire.NeverSettles || r.Report.Stuck == nil || r.Changed != nil || time.Since(start) > 10*time.Second {
			t.Errorf("%+v", r)
		}
	})
}

func TestARuntimeThatThrows(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	r := l.do(``, func(t *wire.Task) { t.Event = []byte(`"throw"`) })
	if r.Ended != wire.EndedEarly || r.Reason.Kind != wire.ReasonRuntime || r.Reason.Message != "start failed" || r.Reason.Name != "TypeError" {
		t.Errorf("%+v %+v", r, r.Reason)
	}
	l.expect("1", `save(1)`)
}

func TestFault04_EndlessLoops(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, o Options) {
		runtime.LockOSThread() // whose time is looked at
		defer runtime.UnlockOSThread()
		l := newLab(t, o)
		for name, body := range map[string]string{
			"loop":                `host.log("log", "before"); while (true);`,
			"loop that catches":   `host.log("log", "before"); for (;;) { try { for (;;); } catch {} finally { continue } }`,
			"microtasks":          `host.log("log", "before"); for (;;) await null;`,
			"timers":              `host.log("log", "before"); const next = () => timer(0, next); next();`,
			"request":             `host.log("log", "before"); await fetch("http://slow");`,
			"loop after awaiting": `host.log("log", "before"); await sleep(1); for (;;);`,
		} {
			// A busy machine may take long to come as far as the log, and to end the run.
			for timeout := 100 * time.Millisecond; ; timeout *= 2 {
				start, before := time.Now(), threadTime()
				r := l.do(body, func(t *wire.Task) { t.Timeout = timeout })
				took, used, lines := time.Since(start), threadTime()-before, l.printed()
				if r.Ended != wire.EndedEarly || r.Reason.Kind != wire.ReasonTimeout || took < timeout {
					t.Fatalf("%s: %s %+v after %s", name, r.Ended, r.Reason, took)
				}
				if used > timeout+time.Second { // however busy the machine is, it is stopped at its limit
					t.Fatalf("%s: it went on for %s of %s", name, used, timeout)
				}
				l.expect("1", `save(1)`)
				diff := cmp.Diff([]string{"before"}, lines)
				if diff == "" && took < timeout+2*time.Second {
					break
				}
				if timeout > 10*time.Second {
					t.Fatalf("%s: after %s of %s: %s", name, took, timeout, diff)
				}
			}
		}
	})
}

func TestAStopDoesNotReachTheNextRun(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	for i := range 300 {
		l.do(`for (let i = 0; i < 2000; i++);`, func(t *wire.Task) { t.Timeout = time.Duration(50+i) * time.Microsecond })
		l.expect("1", `save(1)`)
	}
}

func TestFault05_MemoryBombs(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, o Options) {
		l := newLab(t, o)
		for _, body := range []string{
			`const all = []; for (;;) all.push(new Array(1000).fill(all.length));`,
			`const all = []; for (;;) all.push("x".repeat(1 << 20) + all.length);`,
			`try { const all = []; for (;;) all.push({}); } catch {} save(1);`,
			`const grow = async () => { await null; const b = new Uint8Array(1 << 20); await grow(); return b }; await grow();`,
		} {
			r := l.do(body)
			if r.Ended != wire.OutOfMemory || r.Changed != nil || r.PeakBytes < 16<<20 {
				t.Errorf("%s: %s %+v, peak %d", body, r.Ended, r.Reason, r.PeakBytes)
			}
			l.expect("1", `save(1)`)
		}
	})
}

func TestDeepRecursionIsAnError(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	r := l.do(`const deep = () => deep() + 1; deep()`)
	if r.Ended != wire.Finished || len(r.Report.Failures) != 1 || r.Report.Failures[0].Name != "InternalError" && r.Report.Failures[0].Name != "RangeError" {
		t.Errorf("%+v", r)
	}
}

func TestCostsAreMeasured(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	r := l.do(`for (let i = 0; i < 1e6; i++); save(1)`)
	if r.CPU < 100*time.Microsecond || r.CPU > 20*time.Second || r.PeakBytes < 100<<10 || r.PeakBytes > 32<<20 {
		t.Errorf("%s, %d bytes", r.CPU, r.PeakBytes)
	}
}

func TestARuntimeThatDoesNotLoad(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"syntax error", "throw new Error('no')", "", "globalThis.__charmd = {}; Promise.reject(1)"} {
		if _, err := New(Options{ArenaBytes: 8 << 20, Prelude: source, Host: newWorld()}); err == nil {
			t.Errorf("%q was accepted", source)
		}
	}
}
