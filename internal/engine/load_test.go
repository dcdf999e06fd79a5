package engine

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

// loaders are the ways to run a script.
var loaders = map[string]func(vm *VM, file, source string) error{
	"Eval": (*VM).Eval, "Load": (*VM).Load, "LoadLibrary": (*VM).LoadLibrary,
}

// eachLoader runs a test with every way to run a script, in both modes.
func eachLoader(t *testing.T, test func(t *testing.T, o Options, load func(vm *VM, file, source string) error)) {
	for name, load := range loaders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachMode(t, func(t *testing.T, o Options) { test(t, o, load) })
		})
	}
}

// constructs are expressions in which everything is that a script can be compiled to, and their values.
var constructs = map[string]string{
	"[0, -0, 1.5, NaN, 1e400, -7, 2**31, 2**53].map(x => Object.is(x, -0) ? '-0' : x)": "0,-0,1.5,NaN,Infinity,-7,2147483648,9007199254740992",
	"[123456789012345678901234567890n, -1n, 0n]":                                       "123456789012345678901234567890,-1,0",
	"[...'aé日😀\\ud800\\0'].map(c => c.codePointAt().toString(16))":                     "61,e9,65e5,1f600,d800,0",
	"(s => s`a\\n${1}\\u{1F600}${2}`)((x, ...v) => [x.raw.join('|'), x.join('|'), v, Object.isExtensible(x), Object.isExtensible(x.raw), x[0] = x.raw[0] = 0, x[0] + x.raw[0]])":                           "a\\n|\\u{1F600}|,a\n|😀|,1,2,false,false,0,a\na\\n",
	"(() => { const t = x => x, f = () => t`same`; return f() === f() })()":                                                                                                                                "true",
	"'2025-03-18'.replace(/(?<y>\\d+)-(?<m>\\d+)/dgu, '$<m>/$<y>') + /[\\p{L}--[a-z]]/v.test('b') + /é😀/iu.source":                                                                                         "03/2025-18falseé😀",
	"(() => { class A { #p = 1; static s = 2; static #q() { return 3 } get #g() { return this.#p } static { A.b = 4 } m() { return [this.#g, A.#q(), #p in this] } }; return [new A().m(), A.s, A.b] })()": "1,3,true,2,4",
	"(() => { class A { constructor() { this.t = new.target.name } who() { return 'A' } } class B extends A { who() { return super.who() + 'B' } } return [new B().t, new B().who()] })()":                 "B,AB",
	"(() => { let {a, b: [c = 9, ...d], ...e} = {a: 1, b: [undefined, 2, 3], f: 4}; [a, c] = [c, a]; return [a, c, d, JSON.stringify(e)] })()":                                                             "9,1,2,3,{\"f\":4}",
	"(() => { function* g() { try { const x = yield 1; yield x * 2 } finally { yield 'end' } } const i = g(); return [i.next().value, i.next(4).value, i.return().value] })()":                             "1,8,end",
	"(() => { let s = ''; outer: for (const x of [1, 2, 3]) { for (const k in {a: 1, b: 2}) { if (x == 2) continue outer; if (x == 3) break outer; s += k + x } } return s })()":                           "a1b1",
	"(() => { const fs = []; for (let i = 0; i < 3; i++) fs.push(() => i++); return fs.map(f => f() + f()) })()":                                                                                           "1,3,5",
	"(x => { switch (x) { case 'a': case 'b': return 'ab'; default: return 'other' } })('b')":                                                                                                              "ab",
	"((a, b = a + 1, ...c) => { var v = eval('a + b + c.length'); return v })(1, undefined, 3, 4)":                                                                                                         "5",
	"(function () { with ({hidden: 6}) return hidden + arguments.length })(1, 2)":                                                                                                                          "8",
	"(() => { 'use strict'; try { undeclared = 1 } catch (e) { return e.name } })()":                                                                                                                       "ReferenceError",
	"(() => { try { use; let use = 1 } catch ({name, message}) { return [name, message] } })()":                                                                                                            "ReferenceError,use is not initialized",
	"({a: {b: null}})?.a?.b?.c ?? (0 || 'chain')": "chain",
	"(() => { const o = {get x() { return 1 }, set x(v) { this.y = v }, ['c' + 1]: 2, __proto__: {z: 3}, 7: 8, async *g() {}}; o.x = 5; return [o.x, o.y, o.c1, o.z, o[7], Object.keys(o)] })()": "1,5,2,3,8,7,x,c1,g,y",
	"(function f(n) { return n ? n * f(n - 1) : 1 })(10)":                               "3628800",
	"[typeof topLet, typeof topVar, 'topVar' in globalThis, 'topLet' in globalThis, 𐊧]": "number,function,true,false,7",
	"this === globalThis": "true",
}

// Bytecode that was written out and read again is the same program.
func TestLoadedScriptsAreEvaluatedScripts(t *testing.T) {
	eachLoader(t, func(t *testing.T, o Options, load func(*VM, string, string) error) {
		var script strings.Builder
		script.WriteString("let topLet = 1; function topVar() {}; const 𐊧 = 7, results = {};\n")
		for construct := range constructs {
			script.WriteString("results[" + quote(construct) + "] = String(" + construct + ");\n")
		}
		script.WriteString(`globalThis.root = {result: c => results[c], later: () => results.later};
			(async () => { let s = ''; for await (const x of (async function* () { yield* [1, 2]; yield await 3 })()) s += x; results.later = s })()`)
		vm := newVM(t, o)
		if err := load(vm, "test.js", script.String()); err != nil {
			t.Fatal(err)
		}
		if err := vm.Root("root"); err != nil {
			t.Fatal(err)
		}
		if err := vm.Pump(); err != nil {
			t.Fatal(err)
		}
		img := freeze(t, vm)
		for range 2 {
			for construct, want := range constructs {
				if got, err := vm.Call("result", construct); got != want || err != nil {
					t.Errorf("%s = %q, %v; want %q", construct, got, err, want)
				}
			}
			if got, err := vm.Call("later"); got != "123" || err != nil {
				t.Errorf("the async loop came to %q, %v", got, err)
			}
			restore(t, vm, img)
		}
	})
}

// quote is s as a literal of the language.
func quote(s string) string {
	return "'" + strings.NewReplacer("\\", "\\\\", "'", "\\'", "\n", "\\n").Replace(s) + "'"
}

const twoFunctions = "globalThis.root = {\n  text() { return String(inner) },\n\tfail: () => inner(null) };\n" +
	"function inner( x ) { /* a comment */\n  return [x]\n\t.map(y => y.z) }"

func TestLoadLibraryDropsOnlyText(t *testing.T) {
	const position = "    at <anonymous> (lib.js:6:13)\n    at map (native)\n    at inner (lib.js:5:3)\n    at fail (lib.js:3:19)\n"
	for name, load := range loaders {
		eachMode(t, func(t *testing.T, o Options) {
			vm := newVM(t, o)
			if err := load(vm, "lib.js", twoFunctions); err != nil {
				t.Fatal(err)
			}
			if err := vm.Root("root"); err != nil {
				t.Fatal(err)
			}
			img := freeze(t, vm)
			want := "function inner( x ) { /* a comment */\n  return [x]\n\t.map(y => y.z) }"
			if name == "LoadLibrary" {
				want = "function inner() {\n    [native code]\n}"
			}
			for range 2 {
				if got, err := vm.Call("text"); got != want || err != nil {
					t.Errorf("%s: text %q, %v", name, got, err)
				}
				_, err := vm.Call("fail")
				if got := thrown(t, err).Stack; got != position {
					t.Errorf("%s: stack\n%s", name, got)
				}
				restore(t, vm, img)
			}
			// The choice holds for one script only.
			if err := vm.Eval("x.js", "globalThis.later = function () { /* kept */ }; if (!String(later).includes('kept')) throw 1"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLoadErrorsAreThoseOfEval(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		for _, script := range []string{
			"let a = 1;\n  let a = 2", "'unfinished", "return 1", "/(/", "throw new RangeError('at\\nthe top')", "\n throw null",
			"let taken = 1", "undefinedName.x", strings.Repeat("(", 100), "import 'x'",
		} {
			var want *Error
			for _, name := range []string{"Eval", "Load", "LoadLibrary"} {
				vm := newVM(t, o)
				if err := vm.Eval("before.js", "let taken = 0"); err != nil {
					t.Fatal(err)
				}
				got := thrown(t, loaders[name](vm, "bad.js", script))
				if want == nil {
					want = got
				}
				if *got != *want {
					t.Errorf("%q: %s says %+v, Eval %+v", script, name, got, want)
				}
				img := freeze(t, vm)
				restore(t, vm, img)
				if err := loaders[name](vm, "good.js", "if (taken !== 0) throw taken"); err != nil {
					t.Errorf("after %q and %s: %v", script, name, err)
				}
			}
		}
	})
}

// What the VM was in the middle of is not disturbed by compiling.
func TestLoadLeavesEverythingElse(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		vm, _ := newLoaded(t, o, workbench)
		run(t, vm, `globalThis.first = Math.random(); globalThis.weak = new WeakRef({}); Promise.reject(new Error('still open')); 0`)
		if _, err := vm.Call("run", `Promise.resolve().then(() => globalThis.job = 'done'); Promise.reject(1).catch(() => {})`); err != nil {
			t.Fatal(err)
		}
		if err := vm.Load("more.js", runtimeSource); err != nil {
			t.Fatal(err)
		}
		if !vm.Pending() {
			t.Error("the job is gone")
		}
		if got := run(t, vm, `typeof job`); got != "undefined" {
			t.Errorf("the job ran before the pump: %s", got)
		}
		if got := run(t, vm, `job + kept.length`); got != "done60" {
			t.Errorf("after the pump: %s", got)
		}
		if got := vm.Rejections(); len(got) != 1 || got[0].Message != "still open" {
			t.Errorf("rejections %v", got)
		}
	})
}

// An image of what was loaded holds no trace of its compilation.
func TestLoadedImagesAreSmall(t *testing.T) {
	t.Parallel()
	const mark = "a text that only the source has"
	source := "/* " + mark + " 1 */" + strings.ReplaceAll(runtimeSource, "const registry", "/* "+mark+" 2 */ const registry")
	sizes := map[string]int{}
	for name, load := range loaders {
		vm := newVM(t, Options{Host: echo})
		empty := freeze(t, vm)
		if err := load(vm, "runtime.js", source); err != nil {
			t.Fatal(err)
		}
		img := freeze(t, vm)
		sizes[name] = img.Size() - empty.Size()
		if bytes.Contains(vm.arena.mem, []byte(mark+" 1")) && name != "Eval" {
			t.Errorf("%s: the heap has the text outside of functions", name)
		}
		if got := bytes.Contains(vm.arena.mem, []byte(mark+" 2")); got != (name != "LoadLibrary") {
			t.Errorf("%s: the heap has the text of functions: %v", name, got)
		}
		if err := checkHeap(&vm.arena.heap); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if sizes["Load"] > sizes["Eval"]*3/4 || sizes["LoadLibrary"] > sizes["Load"]*7/8 {
		t.Errorf("bytes added to the image: %v", sizes)
	}
}

// The same heap and the same script give the same bytes, although more or less garbage lay above.
func TestLoadIsRepeatable(t *testing.T) {
	t.Parallel()
	vm, img := newLoaded(t, Options{Host: echo}, workbench)
	var want [32]byte
	for i := range 4 {
		restore(t, vm, img)
		if i > 0 {
			run(t, vm, "'x'.repeat("+strings.Repeat("9", i+2)+").length")
			restore(t, vm, img)
		}
		if err := vm.LoadLibrary("runtime.js", runtimeSource); err != nil {
			t.Fatal(err)
		}
		freeze(t, vm)
		if got := vm.HeapHash(); i == 0 {
			want = got
		} else if got != want {
			t.Fatalf("load %d made another heap", i)
		}
	}
}

func TestRebuildDoesNotCompileAgain(t *testing.T) {
	t.Parallel()
	vm := newVM(t, Options{Rebuild: true, Host: echo})
	if err := vm.LoadLibrary("runtime.js", runtimeSource); err != nil {
		t.Fatal(err)
	}
	compiled := vm.PeakBytes()
	img := freeze(t, vm)
	restore(t, vm, img)
	if replayed := vm.PeakBytes(); replayed > compiled*3/4 {
		t.Errorf("a replay takes %d bytes, compiling took %d", replayed, compiled)
	}
}

func TestLoadsEnd(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		var vm *VM
		o.ArenaBytes, o.MemoryLimit = 4<<20, 3<<20
		o.Host = []HostFunc{{"stop", func(*Call) { vm.Stop() }}}
		vm, img := newLoaded(t, o, workbench)
		for name, tt := range map[string]struct {
			stopped bool
			script  string
			want    error
		}{
			"stopped before":            {true, "1", ErrStopped},
			"stopped in the script":     {false, "__host.stop(); for (;;);", ErrStopped},
			"more memory to compile":    {false, strings.Repeat("x=>y=>[`a${z}`,{b:1}];", 60_000), ErrOutOfMemory},
			"more memory in the script": {false, "const a = []; for (;;) a.push({})", ErrOutOfMemory},
		} {
			restore(t, vm, img)
			if tt.stopped {
				vm.Stop()
			}
			if err := vm.Load("x.js", tt.script); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v", name, err)
			}
			restore(t, vm, img)
			if err := vm.Load("y.js", "globalThis.fine = 1"); err != nil {
				t.Errorf("after %s: %v", name, err)
			}
			if got := run(t, vm, "fine"); got != "1" {
				t.Errorf("after %s: %s", name, got)
			}
		}
	})
}

// What compiling took counts, although it is given back.
func TestPeakIncludesCompiling(t *testing.T) {
	t.Parallel()
	vm, img := newLoaded(t, Options{}, workbench)
	script := "if (0) [" + strings.Repeat("x => y,", 3000) + "]"
	if err := vm.Load("big.js", script); err != nil {
		t.Fatal(err)
	}
	if got := vm.PeakBytes(); got < img.Size()+len(script)*10 {
		t.Errorf("a peak of %d bytes above an image of %d", got, img.Size())
	}
	after := freeze(t, vm)
	if got := vm.PeakBytes(); got != after.Size() || got > img.Size()+16<<10 {
		t.Errorf("after Freeze: a peak of %d bytes, images of %d and before %d", got, after.Size(), img.Size())
	}
	if tail := vm.arena.mem[after.Size():]; len(bytes.TrimLeft(tail, "\x00")) > 0 {
		t.Error("bytes of the compiler remain beyond the image")
	}
}

// FuzzLoad: a script that is loaded does what it does when it is evaluated.
func FuzzLoad(f *testing.F) {
	for construct := range constructs {
		f.Add("var result = " + construct)
	}
	for _, script := range hostile {
		f.Add(script)
	}
	var vm *VM
	var resting bool
	vm = newVM(f, Options{ArenaBytes: 4 << 20, MemoryLimit: 3 << 20, Host: hostileHost(&vm, &resting)})
	img := freeze(f, vm)
	f.Fuzz(func(t *testing.T, script string) {
		outcome := func(load func(*VM, string, string) error) (string, error) {
			restore(t, vm, img)
			vm.Seed(1)
			defer time.AfterFunc(time.Second, vm.Stop).Stop()
			err := load(vm, "x.js", script)
			if e := (*Error)(nil); errors.As(err, &e) {
				return e.Name + e.Message + e.Stack, nil
			}
			return "", err
		}
		want, ended := outcome((*VM).Eval)
		got, again := outcome((*VM).Load)
		if ended == nil && again == nil && got != want {
			t.Errorf("%q, evaluated %q", got, want)
		}
	})
}
