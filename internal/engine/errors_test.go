package engine

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestThrownErrors(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		o.Host = []HostFunc{{"text", func(c *Call) { c.ReturnString(c.String(0)) }}}
		vm := newVM(t, o)
		img := freeze(t, vm)
		for script, want := range map[string]Error{
			"function a() { throw new RangeError('x') }\n\nfunction b() {\n\ta()\n}\nb()": {
				"RangeError", "x", "    at a (x.js:1:36)\n    at b (x.js:4:3)\n    at <eval> (x.js:6:2)\n"},
			"let x = ;":                {"SyntaxError", "unexpected token in expression: ';'", "    at x.js:1:9\n"},
			"let x = 1;\nlet y = (1 +": {"SyntaxError", "unexpected token in expression: ''", "    at x.js:2:13\n"},
			"null.foo":                 {"TypeError", "cannot read property 'foo' of null", "    at <eval> (x.js:1:5)\n"},
			"missing":                  {"ReferenceError", "'missing' is not defined", "    at <eval> (x.js:1:1)\n"},
			"[1].map(() => null.x)":    {"TypeError", "cannot read property 'x' of null", "    at <anonymous> (x.js:1:19)\n    at map (native)\n    at <eval> (x.js:1:8)\n"},
			"JSON.parse('{')":          {"SyntaxError", "expecting property name", "    at <input>:1:2\n    at parse (native)\n    at <eval> (x.js:1:11)\n"},
			"throw new (class Own extends Error { name = 'Own' })('m')": {"Own", "m", "    at Own (x.js:1:51)\n    at <eval> (x.js:1:53)\n"},
			"throw Object.defineProperty(new Error, 'message', {get() { throw 5 }})": {
				"Error", "", "    at <eval> (x.js:1:38)\n"},
			"__host.text(Symbol())":                       {"TypeError", "cannot convert symbol to string", "    at text (native)\n    at <eval> (x.js:1:12)\n"},
			"__host.text({toString() { throw 9 }})":       {"", "9", ""},
			"throw null":                                  {"", "null", ""},
			"throw undefined":                             {"", "undefined", ""},
			"throw 'text'":                                {"", "text", ""},
			"throw -0.5":                                  {"", "-0.5", ""},
			"throw 2n ** 64n":                             {"", "18446744073709551616", ""},
			"throw Symbol('s')":                           {"", "Symbol(s)", ""},
			"throw {a: 1, b: [2]}":                        {"", `{"a":1,"b":[2]}`, ""},
			"throw () => 1":                               {"", "() => 1", ""},
			"throw {toJSON() { throw 1 }}":                {"", "[object Object]", ""},
			"const o = {}; o.o = o; throw o":              {"", "[object Object]", ""},
			"throw {toJSON() {}, toString() { throw 1 }}": {"", unshowable, ""},
		} {
			restore(t, vm, img)
			got := thrown(t, vm.Eval("x.js", script))
			if diff := cmp.Diff(want, *got); diff != "" {
				t.Errorf("%s:\n%s", script, diff)
			}
			if err := vm.Eval("x.js", "1"); err != nil {
				t.Errorf("after %s: %v", script, err)
			}
		}
	})
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]Error{"N: m": {Name: "N", Message: "m"}, "N": {Name: "N"}, "m": {Message: "m"}} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestErrorsAreBounded(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		vm := newVM(t, o)
		img := freeze(t, vm)
		for _, script := range []string{
			`throw new Error('é'.repeat(1e5))`, `throw 'é'.repeat(1e5)`, `throw Array(5e4).fill('é')`,
			`const e = new Error('x'); e.stack = '日'.repeat(1e5); throw e`, `const e = new Error('x'); e.name = '😀'.repeat(1e5); throw e`,
		} {
			restore(t, vm, img)
			e := thrown(t, vm.Eval("x.js", script))
			for _, text := range []string{e.Name, e.Message, e.Stack} {
				if len(text) > maxErrorText || !strings.HasSuffix(text, "…") && len(text) > 1000 || strings.Contains(text, "\ufffd") {
					t.Errorf("%s: %d bytes ending in %q", script, len(text), text[max(0, len(text)-8):])
				}
			}
		}
		restore(t, vm, img)
		e := thrown(t, vm.Eval("x.js", `(function f() { f() })()`))
		if n := strings.Count(e.Stack, "\n"); n != maxFrames+1 || !strings.HasSuffix(e.Stack, "\n    …\n") {
			t.Errorf("a stack of %d lines", n)
		}
	})
}

func TestRejections(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		vm := newVM(t, o)
		img := freeze(t, vm)
		for name, tt := range map[string]struct {
			script string
			want   []*Error
		}{
			"none":                  {`Promise.resolve(1)`, nil},
			"handled at once":       {`Promise.reject(1).catch(() => {})`, nil},
			"handled a job later":   {`const p = Promise.reject(1); Promise.resolve().then(() => p.catch(() => {}))`, nil},
			"handled by await":      {`(async () => { try { await Promise.reject(1) } catch {} })()`, nil},
			"handled by allSettled": {`const p = [1, 2, 3].map(x => Promise.reject(x)); (async () => { await 0; await 0; await Promise.allSettled(p) })()`, nil},
			"plain values": {`Promise.reject(3); new Promise((_, no) => no('s')); (async () => { throw null })()`,
				[]*Error{{Message: "3"}, {Message: "s"}, {Message: "null"}}},
			"only the end of a chain": {`Promise.reject(1).then(() => {}).finally(() => {})`, []*Error{{Message: "1"}}},
			"one of several": {`const a = Promise.reject(1), b = Promise.reject(2), c = Promise.reject(3);
				Promise.resolve().then(() => { b.catch(() => {}) })`, []*Error{{Message: "1"}, {Message: "3"}}},
			"after an await": {"async function a() { await null; null.x }\nasync function b() { await a() }\nb()",
				[]*Error{{"TypeError", "cannot read property 'x' of null", "    at a (x.js:1:38)\n"}}},
			"in a reaction": {`Promise.resolve().then(() => { throw new RangeError('r') })`,
				[]*Error{{"RangeError", "r", "    at <anonymous> (x.js:1:52)\n"}}},
			"thrown in a catch":   {`Promise.reject(1).catch(() => { throw 2 })`, []*Error{{Message: "2"}}},
			"handled, then again": {`const p = Promise.reject(1); p.catch(() => {}); p.then(() => {})`, []*Error{{Message: "1"}}},
			"in a finaliser":      {`const r = new FinalizationRegistry(() => { throw 7 }); r.register({}, 0); Array.from({length: 2e5}, () => { const o = {}; o.o = o })`, []*Error{{Message: "7"}}},
			"missing module":      {`import('nothing')`, []*Error{{Name: "ReferenceError", Message: "could not load module 'nothing'"}}},
		} {
			restore(t, vm, img)
			if err := vm.Eval("x.js", tt.script); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := vm.Pump(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(tt.want, vm.Rejections()); diff != "" {
				t.Errorf("%s:\n%s", name, diff)
			}
			if diff := cmp.Diff(tt.want, vm.Rejections()); diff != "" {
				t.Errorf("%s, asked again:\n%s", name, diff)
			}
		}
	})
}

// Rejections that come and go must not pile up in Go, nor be confused when addresses are reused.
func TestManyRejections(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		vm, img := newLoaded(t, o, workbench)
		run(t, vm, `for (let i = 0; i < 20000; i++) Promise.reject(i).catch(() => {}); 0`)
		if n := len(vm.rejected.open); n != 0 {
			t.Errorf("%d handled rejections are still held", n)
		}
		restore(t, vm, img)
		run(t, vm, `(async () => { for (let i = 0; i < 20000; i++) await Promise.reject(i).catch(() => {}) })(); 0`)
		if grown := vm.PeakBytes() - img.Size(); grown > 1<<20 {
			t.Errorf("%d bytes for rejections handled one after the other", grown)
		}
		run(t, vm, `for (let i = 0; i < 500; i++) { Promise.reject(i); Promise.reject(-i).catch(() => {}) } 0`)
		got := vm.Rejections()
		if len(got) != maxRejections || got[0].Message != "0" || got[99].Message != "99" {
			t.Errorf("%d rejections, first %v", len(got), got[:min(2, len(got))])
		}
	})
}

// Reading a rejection may run script code; that is bounded like everything else.
func TestHostileRejection(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		var vm *VM
		o.Host = []HostFunc{{"stop", func(*Call) { vm.Stop() }}}
		vm, img := newLoaded(t, o, workbench)
		run(t, vm, `Promise.reject(Object.defineProperty(new Error, 'message', {get() { __host.stop(); for (;;); }})); 0`)
		if got := vm.Rejections(); got != nil {
			t.Errorf("%v", got)
		}
		if err := vm.Pump(); !errors.Is(err, ErrStopped) {
			t.Errorf("afterwards: %v", err)
		}
		restore(t, vm, img)
		if got := run(t, vm, "1"); got != "1" {
			t.Error(got)
		}
	})
}
