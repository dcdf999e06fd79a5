package engine

import (
	"bytes"
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
)

// hostile are runs that leave the heap, or the VM, in a bad way. __host.stop and __host.end act
// as if from outside.
var hostile = map[string]string{
	"vandalised globals": `for (const k of Object.getOwnPropertyNames(globalThis)) try { delete globalThis[k] } catch {}
		Object.prototype.x = 1`,
	"vandalised builtins": `Array.prototype.map = Promise.prototype.then = JSON.parse = Math.random = null;
		Object.freeze(Object.prototype); Error.prototype.name = Symbol()`,
	"out of memory":           `const a = []; for (;;) a.push(new Uint8Array(50000))`,
	"out of memory in pieces": `let a; for (;;) a = {a}`,
	"out of memory, caught":   `const f = async () => { try { await 0; 'x'.repeat(1 << 26) } catch { await f() } finally { for (;;); } }; f()`,
	"growing string":          `let s = '', i = 0; while (i++ < 3000) s += 'x'.repeat(i % 300) + String.fromCharCode(i * 7)`,
	"deep recursion":          `(function f() { f() })()`,
	"caught recursion":        `(function f() { try { f() } catch { } })()`,
	"thrown null":             `throw null`,
	"interrupted loop":        `__host.stop(); for (;;);`,
	"swallowed interrupt":     `__host.stop(); (async () => { for (;;) try { await (async () => { for (;;); })() } catch {} finally { for (;;); } })()`,
	"interrupted jobs":        `(async () => { __host.stop(); for (;;) await 0 })()`,
	"ended by the host":       `try { __host.end() } finally { for (;;); }`,
	"ended in a callback":     `[3, 2, 1].sort(() => __host.end())`,
	"detached promises":       `for (let i = 0; i < 50; i++) (async () => { await null; throw new Error(i) })(); __host.rest()`,
	"rejections":              `for (let i = 0; i < 50; i++) Promise.reject({i})`,
	"large buffers":           `globalThis.keep = [new Uint8Array(900000).fill(7), new Float64Array(50000).fill(NaN)]`,
	"many names":              `for (let i = 0; i < 500; i++) globalThis['name' + i] = Symbol('s' + i)`,
	"cycles":                  `for (let i = 0; i < 500; i++) { const o = {a: []}; o.a.push(o, new WeakRef(o), new Map([[o, o]])) }`,
	"finalisers":              `const r = new FinalizationRegistry(() => { throw 1 }); for (let i = 0; i < 20; i++) r.register({}, i)`,
	"parked generators":       `globalThis.g = (function* () { try { yield 1 } finally { for (;;); } })(); g.next()`,
	"exhausted atoms":         `const o = {}; for (let i = 0; i < 2000; i++) o['p' + i * 7919] = i; Object.keys(o).reverse().forEach(k => delete o[k])`,
	"failing parse":           `eval('function f( {')`,
}

// hostileHost are the host functions that hostile runs call. rest makes the test leave its jobs alone.
func hostileHost(vm **VM, rest *bool) []HostFunc {
	return []HostFunc{
		{"stop", func(*Call) { (*vm).Stop() }},
		{"end", func(c *Call) { c.End(errEndedByHost) }},
		{"rest", func(*Call) { *rest = true }},
	}
}

// Whatever a run does, Restore gives back the same bytes, leaves no byte of the run behind, and
// the process does not grow.
func TestRestoreIsByteIdentical(t *testing.T) {
	rounds := 20_000
	if testing.Short() {
		rounds = 2_000
	}
	var vm *VM
	var resting bool
	vm, img := newLoaded(t, Options{ArenaBytes: 4 << 20, MemoryLimit: 2 << 20, Host: hostileHost(&vm, &resting)},
		`globalThis.root = {work: n => { const seen = new Map(); for (let i = 0; i < n; i++) seen.set('k' + i, {i, r: Math.random()}); return seen.size + '' + [...seen.values()][0].r }}`)
	restore(t, vm, img)
	want := vm.HeapHash()
	vm.Seed(7)
	normal, err := vm.Call("work", 20.0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range hostile {
		names = append(names, name)
	}
	sorted(names)
	zero := make([]byte, len(vm.arena.mem))
	var warm int
	for i := range rounds {
		restore(t, vm, img)
		if vm.HeapHash() != want {
			t.Fatalf("round %d: another heap than the image's", i)
		}
		if i%10 == 4 && !bytes.Equal(vm.arena.mem[img.Size():], zero[img.Size():]) {
			t.Fatalf("round %d: bytes of the run remain beyond the image", i)
		}
		if n := vm.tls.StackSlots(); n != 0 {
			t.Fatalf("round %d: %d slots of the engine's stack in use", i, n)
		}
		vm.Seed(7)
		if got, err := vm.Call("work", 20.0); got != normal || err != nil {
			t.Fatalf("round %d: %q, %v, want %q", i, got, err, normal)
		}
		if i%10 == 3 { // one run in ten is hostile
			resting = false
			name := names[i/10%len(names)]
			_ = vm.Eval("hostile.js", hostile[name])
			if !resting {
				_ = vm.Pump()
			}
			if err := checkHeap(&vm.arena.heap); err != nil {
				t.Fatalf("after %s: %v", name, err)
			}
		}
		if i == rounds/4 {
			warm = residentBytes(t)
		}
	}
	if grown := residentBytes(t) - warm; grown > 6<<20 {
		t.Errorf("%d bytes more resident than after a quarter of the rounds", grown)
	}
}

// residentBytes is the memory of this process that the system holds; 0 where it cannot be read.
func residentBytes(t *testing.T) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// After every hostile run the next one sees a pristine VM.
func TestRestoreAfterHostileRuns(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		var vm *VM
		var resting bool
		o.ArenaBytes, o.MemoryLimit, o.Host = 4<<20, 2<<20, hostileHost(&vm, &resting)
		vm, img := newLoaded(t, o, workbench)
		const probe = `[Object.keys(globalThis).length, typeof Array.prototype.map, [2, 1].sort().map(x => x + 1), JSON.stringify({a: 1}), Math.random()].join()`
		restore(t, vm, img)
		want := run(t, vm, probe)
		for name, script := range hostile {
			restore(t, vm, img)
			_ = vm.Eval("hostile.js", script)
			_ = vm.Pump()
			restore(t, vm, img)
			if vm.Pending() || vm.OutOfMemory() || vm.Rejections() != nil {
				t.Errorf("%s left something behind", name)
			}
			if got := run(t, vm, probe); got != want {
				t.Errorf("after %s: %s, want %s", name, got, want)
			}
		}
	})
}

func TestImagesAlternate(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		vm, base := newLoaded(t, o, workbench)
		images := []*Image{base}
		hashes := [][32]byte{vm.HeapHash()}
		for i := range 4 {
			restore(t, vm, base)
			run(t, vm, `globalThis.me = `+strconv.Itoa(i)+`; globalThis.data = 'x'.repeat(`+strconv.Itoa(i*50_000)+`); 0`)
			images = append(images, freeze(t, vm))
			hashes = append(hashes, vm.HeapHash())
		}
		if images[4].Size() < images[1].Size()+150_000 {
			t.Errorf("sizes %d and %d, want 150,000 bytes apart", images[1].Size(), images[4].Size())
		}
		for i := range 60 {
			n := i * 7 % len(images)
			restore(t, vm, images[n])
			if !o.Rebuild && vm.HeapHash() != hashes[n] {
				t.Fatalf("image %d came back different", n)
			}
			want := "undefined"
			if n > 0 {
				want = strconv.Itoa(n-1) + "," + strconv.Itoa((n-1)*50_000)
			}
			if got := run(t, vm, `typeof me == 'undefined' ? undefined : me + ',' + data.length`); got != want {
				t.Errorf("image %d: %s, want %s", n, got, want)
			}
			run(t, vm, `globalThis.me = 'spoilt'`)
		}
	})
}

func TestFreezeOnlyAtRest(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		var vm *VM
		var inside error
		o.Host = []HostFunc{{"freeze", func(*Call) { _, inside = vm.Freeze() }}}
		vm = newVM(t, o)
		if err := vm.Eval("x.js", `Promise.resolve().then(() => { globalThis.done = 1 })`); err != nil {
			t.Fatal(err)
		}
		if _, err := vm.Freeze(); !errors.Is(err, errNotAtRest) {
			t.Errorf("with a pending job: %v", err)
		}
		if err := vm.Pump(); err != nil {
			t.Fatal(err)
		}
		freeze(t, vm)
		if err := vm.Eval("x.js", `__host.freeze()`); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(inside, errBusy) {
			t.Errorf("inside a host call: %v", inside)
		}
		if err := vm.Eval("x.js", `const registry = new FinalizationRegistry(x => globalThis.collected = x);
			for (let o of [{}]) { o.me = o; registry.register(o, 'yes') }`); err != nil {
			t.Fatal(err)
		}
		img := freeze(t, vm) // finalisers run before the image is taken
		restore(t, vm, img)
		if err := vm.Eval("x.js", `if (collected !== 'yes') throw new Error(collected)`); err != nil {
			t.Error(err)
		}
		vm.Stop()
		if _, err := vm.Freeze(); !errors.Is(err, ErrStopped) {
			t.Errorf("a stopped VM: %v", err)
		}
	})
}

func TestFreezeForgetsRejections(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		vm, _ := newLoaded(t, o, workbench)
		run(t, vm, `globalThis.late = Promise.reject(1); 0`)
		img := freeze(t, vm)
		if got := vm.Rejections(); got != nil {
			t.Errorf("after Freeze: %v", got)
		}
		restore(t, vm, img)
		run(t, vm, `late.catch(() => {}); 0`)
		if got := vm.Rejections(); got != nil {
			t.Errorf("handled after Restore: %v", got)
		}
	})
}

func TestRestoreRefusesForeignImages(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		vm, img := newLoaded(t, o, workbench)
		other, _ := newLoaded(t, o, workbench)
		if err := other.Restore(img); !errors.Is(err, errForeign) {
			t.Errorf("the image of another VM: %v", err)
		}
		if err := vm.Restore(nil); !errors.Is(err, errForeign) {
			t.Errorf("no image: %v", err)
		}
	})
}

// A rebuilt VM does not ask the host again what it answered on the way to the image.
func TestRebuildReplaysHostAnswers(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		var asked []string
		o.Host = []HostFunc{{"next", func(c *Call) {
			name := c.String(0)
			asked = append(asked, name)
			switch name {
			case "load":
				c.ReturnBytes([]byte{1, 2})
			case "throw":
				c.Throw("RangeError", "no")
			default:
				c.ReturnNumber(float64(len(asked)))
			}
		}}}
		vm, img := newLoaded(t, o, `const next = __host.next, seen = [];
			const keep = x => { try { seen.push(String(next(x))) } catch (e) { seen.push(e.name ?? e) } };
			keep('load'); keep('throw'); keep({toString: () => 'outer' + next('inner')}); keep({toString() { throw 9 }}); keep('end');
			globalThis.root = {ask: x => [...seen, next(x)].join()}`)
		const loaded, calls = "1,2,RangeError,4,9,5,", "load throw inner outer3 end"
		if got, err := vm.Call("ask", "a"); got != loaded+"6" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		for i, want := range []string{"7", "8"} {
			restore(t, vm, img)
			if got, err := vm.Call("ask", "b"); got != loaded+want || err != nil {
				t.Errorf("restore %d: %q, %v", i, got, err)
			}
		}
		if got := strings.Join(asked, " "); got != calls+" a b b" {
			t.Errorf("asked: %s", got)
		}
	})
}

// Arguments and answers may be reused by their owner.
func TestRebuildKeepsBytes(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		answer := []byte{1, 1}
		o.Host = []HostFunc{{"bytes", func(c *Call) { c.ReturnBytes(answer) }}}
		vm, _ := newLoaded(t, o, `const {bytes} = __host; let text = ''; globalThis.root = {add: b => text += b + ';' + bytes() + ';'}`)
		argument := []byte{2, 2}
		if _, err := vm.Call("add", argument); err != nil {
			t.Fatal(err)
		}
		img := freeze(t, vm)
		answer[0], argument[0] = 9, 9
		restore(t, vm, img)
		if got, err := vm.Call("add", []byte{}); got != "2,2;1,1;;9,1;" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestSeed(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		vm, img := newLoaded(t, o, workbench)
		draw := func(seed uint64) string {
			restore(t, vm, img)
			vm.Seed(seed)
			return run(t, vm, `Array.from({length: 5}, Math.random)`)
		}
		seen := map[string]uint64{}
		for _, seed := range []uint64{0, 1, 2, 3, 1 << 40, 1<<64 - 1, 0x61c8864680b583eb /* mixes to 0 */} {
			got := draw(seed)
			if other, ok := seen[got]; ok {
				t.Errorf("seeds %d and %d give the same numbers", seed, other)
			}
			seen[got] = seed
			if n := strings.Split(got, ","); n[0] == n[1] {
				t.Errorf("seed %d: %s", seed, got)
			}
			if again := draw(seed); again != got {
				t.Errorf("seed %d: %s, then %s", seed, got, again)
			}
		}
		restore(t, vm, img)
		unseeded := run(t, vm, `Math.random()`)
		restore(t, vm, img)
		if got := run(t, vm, `Math.random()`); got != unseeded {
			t.Errorf("unseeded runs differ: %s, %s", unseeded, got)
		}
	})
}
