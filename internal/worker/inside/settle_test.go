package inside

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/wire"

	"github.com/google/go-cmp/cmp"
)

const start = 1_750_000_000_000

func TestTimersMoveTheClock(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, o Options) {
		l := newLab(t, o)
		began := time.Now()
		l.expect(`["0@0","none@0","1@1","7a@7","7b@7","10@10",10]`, `
			const seen = [], begin = host.now(), note = (what) => () => seen.push(what + "@" + (host.now() - begin));
			timer(10, note("10")); timer(7, note("7a")); timer(7, note("7b")); timer(1, note("1"));
			timer(0, note("0")); timer(NaN, note("none"));
			const id = last(); timer(3, note("cancelled")); host.cancel(last()); host.cancel(99);
			await sleep(10);
			save([...seen, host.now() - begin])`)
		if took := time.Since(began); took < 10*time.Millisecond {
			t.Errorf("timers did not wait: %s", took)
		}
	})
}

func TestIntervalsAndLateTimersKeepNoRunAlive(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, o Options) {
		l := newLab(t, o)
		began := time.Now()
		l.expect(`true`, `let ticks = 0; timer(2, () => ticks++, true); timer(3_600_000, () => {}); await sleep(7); save(ticks > 0)`)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("took %s", took)
		}
		want := "2 timers were cancelled at the end of the run: an interval of 2 ms; a timeout of 3600000 ms, due after the run's deadline"
		if diff := cmp.Diff([]string{want}, l.printed()); diff != "" {
			t.Error(diff)
		}
		l.expect(`0`, `for (let i = 0; i < 9; i++) timer(1, () => {}, true); save(0)`)
		if lines := l.printed(); len(lines) != 1 || !strings.HasPrefix(lines[0], "9 timers were cancelled") || !strings.HasSuffix(lines[0], "; …") {
			t.Errorf("%q", lines)
		}
	})
}

func TestALoopThatWaitsForATimeOfDayEnds(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	l.expect(fmt.Sprint(start+20), `const until = host.now() + 20; while (host.now() < until); save(host.now())`)
	l.expect(fmt.Sprint(start), `for (let i = 0; i < 900; i++) host.now(); save(host.now())`)
}

func TestRepliesMoveTheClockByTheTimeTheyTook(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, o Options) {
		l := newLab(t, o)
		l.answer = func(f *wire.Fetch) *wire.Reply {
			return &wire.Reply{Status: 200, StatusText: "OK", URL: f.URL + "/", Elapsed: 40 * time.Millisecond, Body: append([]byte("re: "), f.Body...)}
		}
		l.expect(`["re: hi",200,"OK","http://a/",[],false,40,80]`, `
			const begin = host.now();
			const [a] = await Promise.all([fetch("http://a", {method: "POST"}, host.encode("hi")), fetch("http://b")]);
			const first = host.now() - begin;
			await fetch("http://c");
			save([text(a.body), a.status, a.statusText, a.url, a.headers, a.redirected, first, host.now() - begin])`)
		want := wire.Fetch{Op: 1, Method: "POST", URL: "http://a", Headers: [][2]string{}, Redirect: "follow", Body: []byte("hi")}
		if diff := cmp.Diff(want, *l.fetched[0]); diff != "" {
			t.Error(diff)
		}
	})
}

func TestErrorsOfRequests(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	l.answer = func(*wire.Fetch) *wire.Reply { return &wire.Reply{Error: "refused", Code: "blocked"} }
	l.expect(`[{"error":"refused","code":"blocked","body":{}},{"error":"wire: fetch: bad URL","code":"invalid","body":{}},"TypeError"]`, `
		let bad; try { host.fetch(1, "no json") } catch (e) { bad = e.name }
		save([await fetch("http://a"), await fetch(""), bad])`)
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	l.answer = func(*wire.Fetch) *wire.Reply { return &wire.Reply{Status: 204} }
	l.expect(fmt.Sprintf(`[%d,5,"egress_limit"]`, charm.MaxRequestsPerRun), fmt.Sprintf(`
		const all = await Promise.all(Array.from({length: %d}, () => fetch("http://a")));
		const refused = all.filter((r) => r.error);
		save([all.length - refused.length, refused.length, refused[0].code])`, charm.MaxRequestsPerRun+5))
}

func TestRequestsOfARunEndWithIt(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, o Options) {
		l := newLab(t, o)
		l.answer = func(f *wire.Fetch) *wire.Reply {
			if f.URL == "http://late" {
				return nil
			}
			return &wire.Reply{Status: 200, Body: []byte(f.URL)}
		}
		if r := l.do(`fetch("http://late"); const all = []; for (;;) all.push({});`); r.Ended != wire.OutOfMemory {
			t.Errorf("%+v", r)
		}
		l.expect(`1`, `fetch("http://late"); host.cancel(last()); save(1)`)
		if diff := cmp.Diff([]uint64{1, 2}, l.canceled); diff != "" {
			t.Error(diff)
		}
		// The runtime numbers its requests anew; the late reply must not be taken for
		// that to the first of this run.
		l.replies <- &wire.Reply{Op: 1, Status: 500, Body: []byte("late")}
		l.expect(`"http://now"`, `save(text((await fetch("http://now")).body))`)
		if op := l.fetched[len(l.fetched)-1].Op; op != 3 {
			t.Errorf("request number %d", op)
		}
	})
}

// The parent kills a worker that cancels what it was not asked.
func TestFault04_RequestsBeyondTheLimitAreNotCancelled(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, o Options) {
		l := newLab(t, o)
		l.answer = func(*wire.Fetch) *wire.Reply { return &wire.Reply{Status: 200} }
		begin := fmt.Sprintf(`for (let i = 0; i <= %d; i++) fetch("http://a");`, charm.MaxRequestsPerRun)
		l.expect(`1`, begin+` host.cancel(last()); save(1)`)
		l.expect(`2`, `fetch(""); host.cancel(last()); save(2)`)
		if len(l.canceled) > 0 {
			t.Errorf("cancels %d, and asked up to %d", l.canceled, l.fetched[len(l.fetched)-1].Op)
		}
		if r := l.do(begin + ` const all = []; for (;;) all.push({});`); r.Ended != wire.OutOfMemory || len(l.canceled) != charm.MaxRequestsPerRun {
			t.Errorf("%+v; %d requests were cancelled", r, len(l.canceled))
		}
	})
}

func TestTheLogArrivesBeforeTheRunWaits(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	var before []string
	l.answer = func(*wire.Fetch) *wire.Reply {
		for _, line := range l.lines { // the world's lock is held
			before = append(before, line.Level+" "+line.Text)
		}
		return &wire.Reply{Status: 200}
	}
	l.expect("1", `host.log("warn", "one\u001b[1m"); host.log("shout", "two \ud800"); await sleep(1); await fetch("http://a"); host.log("log", ""); save(1)`)
	if diff := cmp.Diff([]string{"warn one\x1b[1m", "log two \uFFFD"}, before); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"one\x1b[1m", "two \uFFFD", ""}, l.printed()); diff != "" {
		t.Error(diff)
	}
}

func TestTheLogArrivesWhileTheRunIsBusy(t *testing.T) {
	t.Parallel()
	w := newWorld()
	arrived := make(chan struct{})
	busy := &watchedLog{world: w, arrived: arrived}
	m, err := New(Options{ArenaBytes: 16 << 20, Prelude: smallRuntime, Host: busy})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	w.programs["busy"] = `module.exports.default = ({host}) => { host.log("log", "hello"); for (;;); }`
	task := taskOf("busy")
	task.Timeout = time.Minute // it is stopped when the line has come
	ended := make(chan *wire.Result)
	go func() { ended <- m.Run(task) }()
	select {
	case <-arrived:
	case <-ended:
		t.Error("no log line while the run was busy")
		return
	}
	m.vm.Stop()
	<-ended
}

type watchedLog struct {
	*world
	arrived chan struct{}
}

func (w *watchedLog) Log([]wire.LogLine) { close(w.arrived) }

func TestFault06_TheLogIsCut(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	l.expect("1", `for (let i = 0; i < 1e5; i++) host.log("log", "line " + i + "é".repeat(40)); save(1)`)
	lines, size := l.printed(), 0
	for _, line := range lines {
		size += len(line)
	}
	if n := len(lines); size > charm.MaxLogBytes || size < charm.MaxLogBytes/2 || lines[n-1] != "… log cut at 64 KiB" || lines[0] != "line 0"+strings.Repeat("é", 40) {
		t.Errorf("%d lines, %d bytes, last %q", n, size, lines[n-1])
	}
	l.expect("1", `host.log("log", "x".repeat(1e7)); host.log("log", "never"); save(1)`)
	if lines := l.printed(); len(lines) != 2 || lines[1] != "… log cut at 64 KiB" || len(lines[0]) > charm.MaxLogBytes {
		t.Errorf("%d lines", len(lines))
	}
}
