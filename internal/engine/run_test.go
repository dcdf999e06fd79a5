package engine

import (
	"errors"
	"strings"
	"testing"
)

// Endless scripts. Each calls __host.begun() once it is about to loop.
var endless = map[string]string{
	"loop":             `__host.begun(); while (true) {}`,
	"microtask storm":  `(async () => { __host.begun(); for (;;) await 0 })()`,
	"recursive jobs":   `const f = () => Promise.resolve().then(f); f(); __host.begun()`,
	"backtracking":     `__host.begun(); /^(a+)+$/.test('a'.repeat(40) + 'b')`,
	"swallowed by try": `__host.begun(); for (;;) try { for (;;); } catch {}`,
	"finally":          `__host.begun(); try { for (;;); } finally { for (;;); }`,
	"swallowed by await": `(async () => { __host.begun();
		for (;;) try { await (async () => { for (;;); })() } catch (e) { globalThis.saw = String(e) } })()`,
	"result after catch": `let r; try { __host.begun(); for (;;); } catch { r = 'survived' } r`,
	"getter":             `const o = {get x() { __host.begun(); for (;;); }}; o.x`,
	"sort callback":      `__host.begun(); Array.from({length: 1e5}, (_, i) => i).sort(() => { for (;;); })`,
	"generator return":   `function* g() { try { yield } finally { __host.begun(); for (;;); } } for (const x of g()) break`,
	"allocating builtin": `__host.begun(); for (;;) Array.from({length: 1000}, () => 'x'.repeat(600))`,
	"proxy":              `__host.begun(); const p = new Proxy({}, {get: () => { for (;;); }}); p.x`,
}

func TestStopEndsEverything(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		begun := make(chan struct{}, 1)
		o.Host = []HostFunc{{"begun", func(*Call) { begun <- struct{}{} }}}
		vm, img := newLoaded(t, o, workbench)
		for name, script := range endless {
			restore(t, vm, img)
			go func() { <-begun; vm.Stop() }()
			_, err := vm.Call("run", script)
			if err == nil {
				err = vm.Pump()
			}
			if !errors.Is(err, ErrStopped) {
				t.Errorf("%s: %v", name, err)
			}
			_, callErr := vm.Call("run", "1")
			for what, err := range map[string]error{"Call": callErr, "Pump": vm.Pump(), "Eval": vm.Eval("x.js", "1")} {
				if !errors.Is(err, ErrStopped) {
					t.Errorf("%s: %s afterwards: %v", name, what, err)
				}
			}
			restore(t, vm, img)
			if got := run(t, vm, "typeof saw + typeof __host"); got != "undefinedobject" {
				t.Errorf("after %s: %s", name, got)
			}
		}
	})
}

func TestStopBetweenEntries(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		var vm *VM
		o.Host = []HostFunc{{"stop", func(*Call) { vm.Stop() }}}
		vm, img := newLoaded(t, o, workbench)
		vm.Stop()
		if _, err := vm.Call("run", "1"); !errors.Is(err, ErrStopped) {
			t.Errorf("stopped before: %v", err)
		}
		restore(t, vm, img)
		// A run that ends well before it notices is thrown away too.
		if got, err := vm.Call("run", "__host.stop(); 'fine'"); got != "" || !errors.Is(err, ErrStopped) {
			t.Errorf("stopped during: %q, %v", got, err)
		}
		if vm.Pending() || vm.Rejections() != nil {
			t.Error("an ended run still has jobs or rejections")
		}
		restore(t, vm, img)
		if got := run(t, vm, "1+1"); got != "2" {
			t.Errorf("after Restore: %s", got)
		}
	})
}

// A built-in function polls nothing, but one that allocates is ended at its next request.
func TestStopInsideBuiltin(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		var vm *VM
		after := false
		o.Host = []HostFunc{{"stop", func(*Call) { vm.Stop() }}, {"after", func(*Call) { after = true }}}
		vm, img := newLoaded(t, o, workbench)
		for _, script := range []string{`'a'.repeat(1e4).split('')`, `Array(1e4).fill('ab').join()`, `JSON.parse('[' + '[],'.repeat(1e4) + '1]')`} {
			restore(t, vm, img)
			if _, err := vm.Call("run", `__host.stop(); `+script+`; __host.after()`); !errors.Is(err, ErrStopped) || after {
				t.Errorf("%s: %v, went on %v", script, err, after)
			}
		}
	})
}

func TestOutOfMemory(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		o.MemoryLimit = 8 << 20 // far below the arena, so that it is the limit that refuses
		vm, img := newLoaded(t, o, workbench)
		for name, script := range map[string]string{
			"objects":       `const a = []; for (;;) a.push({a})`,
			"growing array": `const a = []; for (let i = 0; i < 6e5; i++) a.push(i)`,
			"one buffer":    `new ArrayBuffer(1e8)`,
			"text":          `'é'.repeat(1e7).length`,
			"joined":        `Array(1e6).fill('0123456789').join()`,
			"caught":        `try { new Uint8Array(1e8) } catch { } 'went on'`,
			"async caught":  `(async () => { try { await 0; new Uint8Array(1e8) } catch { await new Promise(() => {}) } })(); 'started'`,
			"map":           `const m = new Map(); for (let i = 0; ; i++) m.set(i, i)`,
			"closures":      `const f = []; for (let i = 0; ; i++) f.push(() => i)`,
			"regex":         `/(.*)*x/.exec('y'.repeat(1e6)) + 'y'.repeat(9e6)`,
			"json":          `JSON.stringify(Array(1e5).fill('0123456789'.repeat(20)))`,
		} {
			restore(t, vm, img)
			_, err := vm.Call("run", script)
			if err == nil {
				err = vm.Pump()
			}
			if !errors.Is(err, ErrOutOfMemory) || !vm.OutOfMemory() {
				t.Errorf("%s: %v, refused %v", name, err, vm.OutOfMemory())
			}
			vm.Stop() // what came first stays the reason
			if err := vm.Pump(); !errors.Is(err, ErrOutOfMemory) {
				t.Errorf("%s: afterwards %v", name, err)
			}
			restore(t, vm, img)
			if got := run(t, vm, `new Uint8Array(6e6).length`); got != "6000000" || vm.OutOfMemory() {
				t.Errorf("after %s: %s", name, got)
			}
		}
	})
}

// What does not reach the allocator is an ordinary error of the script.
func TestImpossibleSizesAreErrors(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		vm, img := newLoaded(t, o, workbench)
		for _, script := range []string{`new ArrayBuffer(2 ** 53)`, `'x'.repeat(2 ** 30)`, `new Array(-1)`, `'x'.padEnd(2 ** 31)`} {
			restore(t, vm, img)
			_, err := vm.Call("run", script)
			if e := thrown(t, err); e.Name != "RangeError" && e.Name != "InternalError" || vm.OutOfMemory() {
				t.Errorf("%s: %v", script, err)
			}
		}
	})
}

func TestPeakBytes(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		vm, img := newLoaded(t, o, workbench)
		restore(t, vm, img)
		if got := vm.PeakBytes(); !o.Rebuild && got != img.Size() || got < img.Size() {
			t.Errorf("at the start %d, image %d", got, img.Size())
		}
		run(t, vm, `globalThis.x = new Uint8Array(5e6); x = null; 0`)
		if got := vm.PeakBytes(); got < img.Size()+5e6 || got > img.Size()+6e6 {
			t.Errorf("%d bytes after a buffer of 5 MB came and went, image %d", got, img.Size())
		}
		restore(t, vm, img)
		if got := vm.PeakBytes(); got > img.Size()+1e6 {
			t.Errorf("%d bytes after Restore", got)
		}
	})
}

// 400 KB of nesting in any grammar of the engine is an error of the script, whatever the depth.
func TestNestingFailsCleanly(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		vm, img := newLoaded(t, o, `globalThis.root = {parse: s => JSON.parse(s), regex: s => new RegExp(s),
			call: () => (function f() { f() })(), show: () => { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return JSON.stringify(a) }}`)
		const n = 400_000
		check := func(name string, err error) {
			t.Helper()
			if e := thrown(t, err); e.Name != "SyntaxError" && e.Name != "InternalError" {
				t.Errorf("%s: %v", name, err)
			}
			if strings.Count(err.(*Error).Stack, "\n") > maxFrames+1 {
				t.Errorf("%s: a stack of %d bytes", name, len(err.(*Error).Stack))
			}
			restore(t, vm, img)
		}
		for _, opening := range []string{"[", "{", "(", "`${", "a=>", "-", "if(1)", "class{[", "x?"} {
			check("source "+opening, vm.Eval("deep.js", strings.Repeat(opening, n/len(opening))))
		}
		for _, opening := range []string{"[", `{"a":`} {
			_, err := vm.Call("parse", strings.Repeat(opening, n/len(opening)))
			check("JSON "+opening, err)
		}
		_, err := vm.Call("regex", strings.Repeat("(?:", n/3))
		check("regex", err)
		for _, method := range []string{"call", "show"} {
			_, err := vm.Call(method)
			check(method, err)
		}
		if vm.tls.StackSlots() != 0 {
			t.Errorf("%d slots of the engine's stack in use", vm.tls.StackSlots())
		}
	})
}

func TestPumpRunsAllJobs(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		var log []string
		o.Host = []HostFunc{{"log", func(c *Call) { log = append(log, c.String(0)) }}}
		vm, _ := newLoaded(t, o, workbench)
		if _, err := vm.Call("run", `(async () => { for (let i = 0; i < 3; i++) { __host.log(i); await i } })(); __host.log('sync')`); err != nil {
			t.Fatal(err)
		}
		if !vm.Pending() || strings.Join(log, " ") != "0 sync" {
			t.Errorf("before Pump: pending %v, %v", vm.Pending(), log)
		}
		if err := vm.Pump(); err != nil {
			t.Fatal(err)
		}
		if vm.Pending() || strings.Join(log, " ") != "0 sync 1 2" {
			t.Errorf("after Pump: pending %v, %v", vm.Pending(), log)
		}
	})
}
