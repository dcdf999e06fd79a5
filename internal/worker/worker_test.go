//go:build unix

package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/pool"
	"charmd/internal/recipe"
	"charmd/internal/testbin"
	"charmd/internal/wire"
)

func TestACounterCounts(t *testing.T) {
	t.Parallel()
	for _, rebuild := range []bool{false, true} {
		t.Run(fmt.Sprintf("rebuild=%t", rebuild), func(t *testing.T) {
			t.Parallel()
			s := newService(t, pool.Options{Workers: 2, Rebuild: rebuild})
			s.cast(counter(""))
			for range 20 {
				r := s.tick()
				if !r.Report.Updater || r.Report.Name != "Counter" || r.CPU <= 0 || r.PeakBytes <= 0 {
					t.Errorf("%+v", r)
				}
			}
			if got := s.stored(processID); !strings.Contains(got, `"n":20`) {
				t.Error(got)
			}
			if s.pool.Sandbox().Rlimits.State == "" {
				t.Error("no report of the sandbox")
			}
		})
	}
}

func TestReportOfACast(t *testing.T) {
	t.Parallel()
	s := newService(t, pool.Options{Workers: 1})
	s.use(counter(""))
	r, exit := s.run(wire.ModeCast, patience)
	if exit.Kind != pool.Done || !r.Report.Handled || !r.Report.Updater || r.Report.Integration != "counter" || r.Report.Changed != len(r.Changed) {
		t.Errorf("%+v %+v", exit, r)
	}
	if diff := len(r.Read) - len(r.Changed); diff != 0 {
		t.Errorf("read %v, changed %d", r.Read, len(r.Changed))
	}
}

func TestAnErrorLeadsToItsLine(t *testing.T) {
	t.Parallel()
	s := newService(t, pool.Options{Workers: 1})
	s.cast(counter(`if (state.n === 1) throw new RangeError("at one");`))
	s.tick()
	r, exit := s.run(wire.ModeEvent, patience)
	if exit.Kind != pool.Done || len(r.Report.Failures) != 1 {
		t.Fatalf("%+v %+v", exit, r)
	}
	m, err := recipe.ParseMap(s.program.SourceMap, "charm.tsx")
	if err != nil {
		t.Fatal(err)
	}
	f := r.Report.Failures[0]
	at, ok := m.Position(f.Stack)
	if f.Name != "RangeError" || f.Message != "at one" || !ok || at.String() != "charm.tsx:5:26" && at.String() != "charm.tsx:5:32" {
		t.Errorf("%+v at %v", f, at)
	}
}

func TestRequestsAndTimers(t *testing.T) {
	t.Parallel()
	s := newService(t, pool.Options{Workers: 1})
	s.fetch = func(_ context.Context, f wire.Fetch) wire.Reply {
		return wire.Reply{Status: 200, Headers: [][2]string{{"content-type", "text/plain"}}, Elapsed: time.Second, Body: []byte(f.Method + " " + f.URL)}
	}
	s.cast(counter(`
		const before = Date.now();
		await new Promise((done) => setTimeout(done, 5));
		const reply = await fetch("/api/x", { method: "POST", body: "b" });
		console.log(await reply.text(), reply.headers.get("Content-Type"), Date.now() - before);`))
	s.tick()
	if got := strings.Join(s.logged(), "\n"); got != "POST http://toolshed.test/api/x text/plain 1005" {
		t.Errorf("%q", got)
	}
}

func TestFault02_SIGKILLInTheMiddleOfARun(t *testing.T) {
	t.Parallel()
	s := newService(t, pool.Options{Workers: 1})
	s.cast(counter(""))
	s.onNeed = func() { _ = syscall.Kill(s.pool.Status()[0].PID, syscall.SIGKILL) }
	_, exit := s.run(wire.ModeEvent, patience, func(t *wire.Task) { t.Documents = nil })
	if exit.Kind != pool.Crashed || exit.Detail != "killed by SIGKILL" {
		t.Errorf("%+v", exit)
	}
	s.onNeed = nil
	s.tick()
}

func TestFault04_EndlessRuns(t *testing.T) {
	t.Parallel()
	s := newService(t, pool.Options{Workers: 1})
	for name, tt := range map[string]struct {
		body     string
		survives bool // the worker ends the run itself
	}{
		"loop":               {`for (;;);`, true},
		"microtasks":         {`for (;;) await null;`, true},
		"regular expression": {`/^(a+)+$/.test("a".repeat(40) + "b");`, true},
		"builtin":            {`Array.prototype.indexOf.call({ length: 2 ** 40 }, 1);`, false},
		"request":            {`await fetch("http://slow.test");`, true},
	} {
		s.fetch = func(ctx context.Context, _ wire.Fetch) wire.Reply {
			<-ctx.Done()
			return wire.Reply{Error: "too late"}
		}
		// A busy machine may take long to come as far as the log, and to end the run.
		for timeout := 500 * time.Millisecond; ; timeout *= 2 {
			s.cast(counter(""))
			s.use(counter(`console.log("before"); ` + tt.body))
			s.logged()
			pid := s.pool.Status()[0].PID
			start := time.Now()
			_, exit := s.run(wire.ModeEvent, timeout)
			if took := time.Since(start); exit.Kind != pool.TimedOut || took < timeout {
				t.Fatalf("%s: %+v after %s", name, exit, took)
			}
			log := s.logged()
			s.cast(counter(""))
			s.tick()
			survived := s.pool.Status()[0].PID == pid
			if slices.Equal(log, []string{"before"}) && survived == tt.survives {
				break
			}
			if timeout > 10*time.Second {
				t.Fatalf("%s: of %s the log is %q, and that the worker survived %t", name, timeout, log, survived)
			}
		}
	}
}

func TestFault05_MemoryBombs(t *testing.T) {
	s := newService(t, pool.Options{Workers: 1})
	s.cast(counter(""))
	before := resident(t)
	for name, body := range map[string]string{
		"arrays":           `const all: any[] = []; for (;;) all.push(new Array(1000).fill(1));`,
		"caught":           `try { const all: any[] = []; for (;;) all.push({}); } catch {}`,
		"buffers":          `const all: any[] = []; for (;;) all.push(new Uint8Array(1 << 20));`,
		"strings for Go":   `const all: any[] = []; for (;;) all.push(btoa("x".repeat(1 << 20)));`,
		"a million cells":  `(state as any).n = Array.from({ length: 1e6 }, (_, i) => ({ i, text: "cell " + i }));`,
		"typed array of 1": `new Uint8Array(1e10);`,
	} {
		s.use(counter(body))
		r, exit := s.run(wire.ModeEvent, patience)
		if exit.Kind != pool.OutOfMemory && name != "typed array of 1" {
			t.Errorf("%s: %+v %+v", name, exit, r)
		}
		s.use(counter(""))
		s.tick()
	}
	debug.FreeOSMemory() // what is collected is still the process's
	if grown := resident(t) - before; grown > 10<<20 {
		t.Errorf("the service grew by %d bytes", grown)
	}
}

// resident is the memory of this process, in bytes.
func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc here")
	}
	var all, pages int
	fmt.Sscan(string(text), &all, &pages)
	return pages * os.Getpagesize()
}

func TestFault05_DeepRecursionIsAnError(t *testing.T) {
	t.Parallel()
	s := newService(t, pool.Options{Workers: 1})
	for _, body := range []string{
		`const deep = (): any => [deep()]; deep();`,
		`let a: any = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a);`,
		`JSON.parse("[".repeat(4e5) + "]".repeat(4e5));`,
		`new DOMParser().parseFromString("<a>".repeat(4e5), "text/xml").querySelector("b")!.textContent;`,
		`new RegExp("(".repeat(4e5) + ")".repeat(4e5));`,
		`new Function("[".repeat(4e5));`,
	} {
		s.cast(counter(""))
		s.use(counter(body))
		r, exit := s.run(wire.ModeEvent, patience)
		if exit.Kind != pool.Done || len(r.Report.Failures) != 1 {
			t.Errorf("%s: %+v %+v", body, exit, r)
		}
	}
}

func TestFault05_NestedBracketsHurtTheCompilersProcessAlone(t *testing.T) {
	t.Parallel()
	s := newService(t, pool.Options{Workers: 1})
	const n = 400 << 10
	for name, source := range map[string]string{
		"arrays":    "x = " + strings.Repeat("[", n),
		"calls":     strings.Repeat("(", n),
		"blocks":    strings.Repeat("{", n),
		"elements":  "x = " + strings.Repeat("<a>", n/3),
		"types":     "let x: " + strings.Repeat("A<", n/2),
		"templates": strings.Repeat("`${", n/3),
		"unary":     "x = " + strings.Repeat("!", n) + "1",
		"sums":      "x = 1" + strings.Repeat("+1", n/2),
	} {
		c, err := s.pool.Compile(context.Background(), wire.CompileRequest{Entry: "a.tsx", Files: map[string]string{"a.tsx": source}})
		if err == nil && len(c.Errors) == 0 && name != "sums" && name != "unary" {
			t.Errorf("%s: compiled", name)
		}
		if err != nil && charm.CodeOf(err) != charm.CodeCompile {
			t.Errorf("%s: %v", name, err)
		}
		t.Logf("%s: %v %.200v", name, err, c.Errors)
		s.cast(counter(""))
	}
}

func TestFault06_FloodOfTheLog(t *testing.T) {
	t.Parallel()
	s := newService(t, pool.Options{Workers: 1})
	s.cast(counter(`for (let i = 0; i < 1e5; i++) console.log("x".repeat(1e3));`))
	s.tick()
	log := s.logged()
	size := len(strings.Join(log, ""))
	if size > charm.MaxLogBytes || log[len(log)-1] != "… log cut at 64 KiB" {
		t.Errorf("%d bytes", size)
	}
}

func TestCompileErrorsHavePlaces(t *testing.T) {
	t.Parallel()
	s := newService(t, pool.Options{Workers: 1})
	for source, want := range map[string]wire.CompileError{
		"import x from 'left-pad'; x();":  {File: "a.tsx", Line: 1, Column: 15, Text: "Module not found: left-pad", LineText: "import x from 'left-pad'; x();"},
		"\nimport '/etc/passwd';":         {File: "a.tsx", Line: 2, Column: 8, Text: "Module not found: /etc/passwd", LineText: "import '/etc/passwd';"},
		"export default recipe('x', ());": {File: "a.tsx", Line: 1, Column: 30, Text: `Expected "=>" but found ")"`, LineText: "export default recipe('x', ());"},
	} {
		c, err := s.pool.Compile(context.Background(), wire.CompileRequest{Entry: "a.tsx", Files: map[string]string{"a.tsx": source}})
		if err != nil || len(c.Errors) != 1 || c.Errors[0] != want {
			t.Errorf("%q: %+v %v", source, c.Errors, err)
		}
	}
}

func TestARecipeThatDoesNotLoad(t *testing.T) {
	t.Parallel()
	s := newService(t, pool.Options{Workers: 1})
	for source, want := range map[string]string{
		"export const x = 1;": "No default recipe found",
		"export default 1; throw new TypeError('at the top');":   "at the top",
		"export default 1; await Promise.reject(new Error('a'))": "a",
		"const m = 'x'; require(m);":                             "Module not found: x",
	} {
		s.use(source)
		r, exit := s.run(wire.ModeCast, patience)
		if exit.Kind != pool.Done || r.Ended != wire.LoadFailed || !strings.Contains(r.Load.Message, want) {
			t.Errorf("%s: %+v %+v %+v", source, exit, r.Ended, r.Load)
		}
	}
}

func TestWhatAWorkerHas(t *testing.T) {
	t.Parallel()
	s := newService(t, pool.Options{Workers: 1})
	s.cast(counter(""))
	of := func(name string) string { return fmt.Sprintf("/proc/%d/%s", s.pool.Status()[0].PID, name) }
	environ, err := os.ReadFile(of("environ"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no /proc here")
	}
	// Where it has no namespaces, it is closed to a worker's own user.
	if got := string(environ); err == nil && got != "GODEBUG=containermaxprocs=0,updatemaxprocs=0\x00" {
		t.Errorf("environment %q", got)
	}
	links, _ := filepath.Glob(of("fd/*"))
	for _, l := range links {
		if to, err := os.Readlink(l); err == nil && !strings.HasPrefix(to, "pipe:") && !strings.HasPrefix(to, "anon_inode:") {
			t.Errorf("descriptor %s is %s", filepath.Base(l), to)
		}
	}
	if score, _ := os.ReadFile(of("oom_score_adj")); strings.TrimSpace(string(score)) != "1000" {
		t.Errorf("oom_score_adj %s", score)
	}
	if cwd, err := os.Readlink(of("cwd")); err == nil && cwd != "/" {
		t.Errorf("working directory %s", cwd)
	}
}

func TestSignalsForAllProcessesLeaveARunAlone(t *testing.T) {
	t.Parallel()
	s := newService(t, pool.Options{Workers: 1})
	s.cast(counter(""))
	s.onNeed = func() {
		for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
			_ = syscall.Kill(s.pool.Status()[0].PID, signal)
		}
	}
	if _, exit := s.run(wire.ModeEvent, patience, func(t *wire.Task) { t.Documents = nil }); exit.Kind != pool.Done {
		t.Errorf("%+v", exit)
	}
}

func TestFiftyRunsAtOnceOnTwoWorkers(t *testing.T) {
	t.Parallel()
	s := newService(t, pool.Options{Workers: 2, RunsPerWorker: 10})
	s.cast(counter(""))
	ends := make(chan pool.Exit)
	for range 50 {
		go func() {
			_, exit := s.run(wire.ModeEvent, patience)
			ends <- exit
		}()
	}
	for range 50 {
		if exit := <-ends; exit.Kind != pool.Done {
			t.Errorf("%+v", exit)
		}
	}
}

func TestAWorkerLeavesWithItsPipe(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]int{"": 0, "no frame at all": 1, "\x00\x00\x00\x07\x01\x00\x00\x00\x02[]": 1} {
		cmd := exec.Command(testbin.Path(t), "worker")
		cmd.Stdin = strings.NewReader(input)
		out, _ := cmd.Output()
		m, err := wire.NewReader(bytes.NewReader(out), wire.Child).Next()
		if _, ok := m.(*wire.Hello); !ok {
			t.Errorf("%q: the first message is %T, %v", input, m, err)
		}
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("%q: exit status %d, want %d", input, got, want)
		}
	}
}
