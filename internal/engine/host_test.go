package engine

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHostArguments(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		var seen string
		o.Host = []HostFunc{{"see", func(c *Call) {
			seen = fmt.Sprint(c.Len())
			for i := range c.Len() + 1 { // one more than there is
				b := "-"
				if got := c.Bytes(i); got != nil {
					b = fmt.Sprint(got)
				}
				seen += fmt.Sprintf(" | %q %v %s %v", c.String(i), c.Number(i), b, c.IsUndefined(i))
			}
		}}}
		vm, _ := newLoaded(t, o, workbench)
		const none = ` | "" NaN - true`
		for script, want := range map[string]string{
			``:                    `0` + none,
			`'a', 2.5`:            `2 | "a" NaN - false | "2.5" 2.5 - false` + none,
			`undefined, null`:     `2 | "undefined" NaN - true | "null" 0 - false` + none,
			`true, '12', {}`:      `3 | "true" 1 - false | "12" 12 - false | "[object Object]" NaN - false` + none,
			`new ArrayBuffer(2)`:  `1 | "[object ArrayBuffer]" NaN [0 0] false` + none,
			`new Uint8Array([1])`: `1 | "1" 1 [1] false` + none,
			`new Uint8Array(0)`:   `1 | "" 0 [] false` + none,
			`new Uint8Array([1, 2, 3, 4]).subarray(1, 3)`:                                               `1 | "2,3" NaN [2 3] false` + none,
			`new Uint16Array(new Uint8Array([1, 0, 2, 0, 9, 9]).buffer, 2, 1)`:                          `1 | "2" 2 [2 0] false` + none,
			`new SharedArrayBuffer(1)`:                                                                  `1 | "[object SharedArrayBuffer]" NaN [0] false` + none,
			`(b => { const u = new Uint8Array(b); b.transfer(); return u.buffer })(new ArrayBuffer(8))`: `1 | "[object ArrayBuffer]" NaN - false` + none,
			`[1, 2]`: `1 | "1,2" NaN - false` + none,
		} {
			run(t, vm, `__host.see(`+script+`)`)
			if seen != want {
				t.Errorf("(%s):\n got %s\nwant %s", script, seen, want)
			}
		}
	})
}

func TestHostResults(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		for name, fn := range map[string]func(c *Call){
			"nothing":  func(*Call) {},
			"text":     func(c *Call) { c.ReturnString("é\x00😀") },
			"bytes":    func(c *Call) { c.ReturnBytes([]byte{0, 255}) },
			"nobytes":  func(c *Call) { c.ReturnBytes(nil) },
			"integer":  func(c *Call) { c.ReturnNumber(-7) },
			"minus0":   func(c *Call) { c.ReturnNumber(math.Copysign(0, -1)) },
			"float":    func(c *Call) { c.ReturnNumber(1e300) },
			"nan":      func(c *Call) { c.ReturnNumber(math.NaN()) },
			"infinity": func(c *Call) { c.ReturnNumber(math.Inf(-1)) },
			"yes":      func(c *Call) { c.ReturnBool(true) },
			"no":       func(c *Call) { c.ReturnBool(false) },
			"last":     func(c *Call) { c.ReturnBool(true); c.ReturnString("x") },
		} {
			o.Host = append(o.Host, HostFunc{name, fn})
		}
		vm, _ := newLoaded(t, o, workbench)
		for script, want := range map[string]string{
			`__host.nothing() === undefined`:                                     "true",
			`__host.text() === 'é\0😀'`:                                           "true",
			`[__host.bytes().constructor.name, ...__host.bytes()]`:               "Uint8Array,0,255",
			`[__host.bytes().length, __host.bytes().byteLength]`:                 "2,2",
			`__host.nobytes().length`:                                            "0",
			`[10, 20, 30].at(__host.integer() + 9)`:                              "30",
			`Object.is(__host.minus0(), -0)`:                                     "true",
			`__host.float()`:                                                     "1e+300",
			`__host.nan()`:                                                       "NaN",
			`__host.infinity()`:                                                  "-Infinity",
			`[__host.yes() === true, __host.no() === false, __host.last()]`:      "true,true,x",
			`Object.keys(__host).length + typeof __host.text + __host.text.name`: "12functiontext",
		} {
			if got := run(t, vm, script); got != want {
				t.Errorf("%s = %q, want %q", script, got, want)
			}
		}
	})
}

func TestHostThrows(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		o.Host = []HostFunc{{"fail", func(c *Call) { c.Throw(c.String(0), c.String(1)) }}}
		vm, img := newLoaded(t, o, workbench)
		for _, class := range append(errorNames[:], "InvalidCharacterError") {
			restore(t, vm, img)
			// The script's own classes are not used: they may have been replaced.
			err := vm.Eval("x.js", `globalThis.`+class+` = null;
 __host.fail('`+class+`', '日\0')`)
			want := Error{class, "日\x00", "    at fail (native)\n    at <eval> (x.js:2:13)\n"}
			if diff := cmp.Diff(want, *thrown(t, err)); diff != "" {
				t.Errorf("%s:\n%s", class, diff)
			}
		}
		restore(t, vm, img)
		for script, want := range map[string]string{
			`try { __host.fail('TypeError', 'm') } catch (e) { [e instanceof TypeError, e.name, e.message] }`:         "true,TypeError,m",
			`try { __host.fail('Odd', 'm') } catch (e) { [e instanceof Error, e.name, Object.keys(e).length] }`:       "true,Odd,0",
			`try { __host.fail('Error', '') } catch (e) { e.constructor === Error && e.message === '' }`:              "true",
			`try { __host.fail({toString() { return __host.fail('RangeError', 'inner') }}) } catch (e) { e.message }`: "inner",
		} {
			if got := run(t, vm, script); got != want {
				t.Errorf("%s = %q, want %q", script, got, want)
			}
		}
	})
}

func TestEnd(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		reason := errors.New("enough")
		after := 0
		o.Host = []HostFunc{
			{"end", func(c *Call) { c.End(reason); after++ }},
			{"finish", func(c *Call) { c.End(nil) }},
			{"stubborn", func(c *Call) {
				defer func() { _ = recover() }()
				c.End(reason)
			}},
			{"after", func(*Call) { after++ }},
		}
		vm, img := newLoaded(t, o, workbench)
		for script, want := range map[string]error{
			`try { __host.end() } catch { __host.after() } finally { __host.after() }`:                              reason,
			`(async () => { try { await 0; __host.end() } catch { } __host.after() })()`:                            reason,
			`[2, 1].sort(() => __host.end()); __host.after()`:                                                       reason,
			`'a'.replace(/a/, () => __host.end()); __host.after()`:                                                  reason,
			`JSON.stringify({toJSON() { __host.end() }}); __host.after()`:                                           reason,
			`new Proxy({}, {get() { __host.end() }}).x; __host.after()`:                                             reason,
			`__host.stubborn(); __host.after()`:                                                                     reason,
			`__host.finish(); __host.after()`:                                                                       errEndedByHost,
			`Promise.resolve().then(() => __host.end()).finally(() => __host.after())`:                              reason,
			`function* g() { try { yield 1 } finally { __host.end() } } for (const x of g()) break; __host.after()`: reason,
		} {
			restore(t, vm, img)
			_, err := vm.Call("run", script)
			if err == nil {
				err = vm.Pump()
			}
			if !errors.Is(err, want) || after != 0 {
				t.Errorf("%s: %v, %d calls after the end", script, err, after)
			}
			if err := vm.Pump(); !errors.Is(err, want) {
				t.Errorf("%s: later %v", script, err)
			}
		}
		restore(t, vm, img)
		if got := run(t, vm, "2"); got != "2" {
			t.Error(got)
		}
	})
}

// A panic that is not ours reaches the caller with its own value; the VM accepts only Restore then.
func TestForeignPanicPasses(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		o.Host = []HostFunc{{"panic", func(*Call) { panic("a bug in Go") }}}
		vm, img := newLoaded(t, o, workbench)
		func() {
			defer func() {
				if p := recover(); p != "a bug in Go" {
					t.Errorf("recovered %v", p)
				}
			}()
			_, err := vm.Call("run", `try { __host.panic() } catch { } finally { }`)
			t.Errorf("Call returned %v", err)
		}()
		if _, err := vm.Call("run", "1"); !errors.Is(err, errUnwound) {
			t.Errorf("afterwards: %v", err)
		}
		restore(t, vm, img)
		if got := run(t, vm, "1"); got != "1" || vm.tls.StackSlots() != 0 {
			t.Errorf("after Restore: %s, %d slots", got, vm.tls.StackSlots())
		}
	})
}

func TestHostMustNotReenter(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		var vm *VM
		var img *Image
		var errs []error
		o.Host = []HostFunc{{"reenter", func(*Call) {
			_, callErr := vm.Call("run", "1")
			errs = []error{callErr, vm.Pump(), vm.Eval("x.js", "1"), vm.Root("x"), vm.Restore(img), vm.Close()}
		}}}
		vm, img = newLoaded(t, o, workbench)
		if got := run(t, vm, `__host.reenter(); 'unharmed'`); got != "unharmed" {
			t.Error(got)
		}
		for i, err := range errs {
			if !errors.Is(err, errBusy) {
				t.Errorf("entry %d: %v", i, err)
			}
		}
		if len(errs) == 0 {
			t.Error("not called")
		}
	})
}

// Two VMs in one process share nothing; a host function of one may use the other.
func TestTwoMachines(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		inner, innerImage := newLoaded(t, o, workbench)
		var innerErr error
		o.Host = []HostFunc{{"ask", func(c *Call) {
			var s string
			if s, innerErr = inner.Call("run", c.String(0)); innerErr == nil {
				c.ReturnString(s)
			}
		}}}
		outer, _ := newLoaded(t, o, workbench)
		if got := run(t, outer, `globalThis.me = 'outer'; __host.ask("globalThis.me = 'inner'; me") + me`); got != "innerouter" {
			t.Error(got)
		}
		inner.Stop()
		if got := run(t, outer, `typeof __host.ask('1')`); got != "undefined" || !errors.Is(innerErr, ErrStopped) {
			t.Errorf("%s, %v", got, innerErr)
		}
		restore(t, inner, innerImage)
		if got := run(t, outer, `__host.ask('typeof me') + me`); got != "undefinedouter" {
			t.Error(got)
		}
	})
}

func TestHostNamesMayBeAnything(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 100_000)
	vm, _ := newLoaded(t, Options{Host: []HostFunc{{"é", func(c *Call) { c.ReturnNumber(1) }}, {long, func(c *Call) { c.ReturnNumber(2) }}}}, workbench)
	if got := run(t, vm, `__host['é']() + __host['n'.repeat(1e5)]()`); got != "3" {
		t.Error(got)
	}
}
