package engine

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// workbench is what most tests load: root.run evaluates a script and returns String(result).
const workbench = `globalThis.root = {
	run: s => String((0, eval)(s)),
	echo: x => x,
	bytes: b => Array.from(b).join(),
	type: x => Object.prototype.toString.call(x),
}`

// eachMode runs a test with copied and with rebuilt heaps: both behave alike.
func eachMode(t *testing.T, test func(t *testing.T, o Options)) {
	for name, rebuild := range map[string]bool{"snapshot": false, "rebuild": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, Options{Rebuild: rebuild})
		})
	}
}

// newVM is a VM with the given host functions.
func newVM(t testing.TB, o Options) *VM {
	t.Helper()
	vm, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := vm.Close(); err != nil {
			t.Error(err)
		}
	})
	return vm
}

// newLoaded is a VM with source evaluated and globalThis.root as its root, and its image.
func newLoaded(t testing.TB, o Options, source string) (*VM, *Image) {
	t.Helper()
	vm := newVM(t, o)
	if err := vm.Eval("test.js", source); err != nil {
		t.Fatal(err)
	}
	if err := vm.Root("root"); err != nil {
		t.Fatal(err)
	}
	return vm, freeze(t, vm)
}

func freeze(t testing.TB, vm *VM) *Image {
	t.Helper()
	img, err := vm.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func restore(t testing.TB, vm *VM, img *Image) {
	t.Helper()
	if err := vm.Restore(img); err != nil {
		t.Fatal(err)
	}
}

// run evaluates a script on the workbench, runs the jobs it leaves, and returns its result.
func run(t testing.TB, vm *VM, script string) string {
	t.Helper()
	s, err := vm.Call("run", script)
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	if err := vm.Pump(); err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return s
}

func thrown(t testing.TB, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a script exception", err)
	}
	return e
}

func sorted[T cmp.Ordered](s []T) []T {
	slices.Sort(s)
	return s
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		options Options
		want    string
	}{
		"tiny arena":         {Options{ArenaBytes: 1000}, "choose 2097152 to"},
		"huge arena":         {Options{ArenaBytes: 1 << 40}, "choose 2097152 to"},
		"limit above arena":  {Options{ArenaBytes: 4 << 20, MemoryLimit: 5 << 20}, "at most the arena"},
		"negative limit":     {Options{MemoryLimit: -1}, "at most the arena"},
		"limit below engine": {Options{MemoryLimit: 10_000}, "making a VM with a memory limit of 10000 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			vm, err := New(tt.options)
			if err == nil {
				vm.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestClosed(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		vm, img := newLoaded(t, o, workbench)
		if err := vm.Close(); err != nil {
			t.Fatal(err)
		}
		vm.Stop()
		vm.Seed(1)
		_, callErr := vm.Call("run", "1")
		_, freezeErr := vm.Freeze()
		for name, err := range map[string]error{
			"Eval": vm.Eval("x.js", "1"), "Call": callErr, "Pump": vm.Pump(),
			"Root": vm.Root("x"), "Freeze": freezeErr, "Restore": vm.Restore(img),
		} {
			if !errors.Is(err, errClosed) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if vm.Pending() || vm.PeakBytes() != 0 || vm.Rejections() != nil || vm.HeapHash() != [32]byte{} {
			t.Error("a closed VM tells of its former life")
		}
	})
}

func TestArenaLiesBetweenGuards(t *testing.T) {
	t.Parallel()
	a := newVM(t, Options{ArenaBytes: 2<<20 + 1}).arena
	page := os.Getpagesize()
	if address(a.mem) != address(a.region)+uintptr(page) || len(a.region) != len(a.mem)+2*page || len(a.mem) < 2<<20+1 {
		t.Errorf("%d bytes at %#x in %d at %#x", len(a.mem), address(a.mem), len(a.region), address(a.region))
	}
}

func TestLanguage(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		vm, img := newLoaded(t, o, workbench)
		for script, want := range map[string]string{
			"undefined":   "undefined",
			"[1,[2,3]]":   "1,2,3",
			"2n ** 70n":   "1180591620717411303424",
			"typeof root": "undefined", // Root took it away
			"(function f( a ){ return a /* kept */ }).toString()":      "function f( a ){ return a /* kept */ }",
			"class A { #x = 1; static { this.y = 2 } }; A.y":           "2",
			"/(?<y>\\d{4})-(?<m>\\d\\d)/.exec('2025-03').groups.m":     "03",
			"'aXbX'.replaceAll('X', '-')":                              "a-b-",
			"Object.groupBy([1,2,3], x => x % 2 ? 'odd' : 'even').odd": "1,3",
			"new Date(86400000).toISOString()":                         "1970-01-02T00:00:00.000Z",
		} {
			restore(t, vm, img)
			if got := run(t, vm, script); got != want {
				t.Errorf("%s = %q, want %q", script, got, want)
			}
		}
	})
}

func TestRoot(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		vm := newVM(t, o)
		if _, err := vm.Call("run", "1"); err == nil || !strings.Contains(err.Error(), "call Root first") {
			t.Errorf("Call without a root: %v", err)
		}
		for _, script := range []string{"0", "globalThis.root = 5", "delete globalThis.root; Object.defineProperty(globalThis, 'root', {value: {}})"} {
			if err := vm.Eval("x.js", script); err != nil {
				t.Fatal(err)
			}
			if err := vm.Root("root"); err == nil {
				t.Errorf("after %q there is a root", script)
			}
		}
		if err := vm.Eval("x.js", "globalThis.other = {f() { return this === self }}; globalThis.self = other"); err != nil {
			t.Fatal(err)
		}
		if err := vm.Root("other"); err != nil {
			t.Fatal(err)
		}
		if got, err := vm.Call("f"); got != "true" || err != nil {
			t.Errorf("this is not the root: %q, %v", got, err)
		}
		if _, err := vm.Call("missing"); thrown(t, err).Name != "TypeError" {
			t.Errorf("calling what is no method: %v", err)
		}
	})
}

func TestCallValues(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		vm, _ := newLoaded(t, o, workbench)
		for _, tt := range []struct {
			method string
			arg    any
			want   string
		}{
			{"type", "x", "[object String]"}, {"type", 1.5, "[object Number]"}, {"type", true, "[object Boolean]"},
			{"type", []byte{1}, "[object Uint8Array]"}, {"echo", 1.0, "1"}, {"echo", 1e21, "1e+21"},
			{"echo", -0.5, "-0.5"}, {"echo", false, "false"}, {"bytes", []byte{0, 7, 255}, "0,7,255"}, {"bytes", []byte{}, ""},
			{"bytes", []byte(nil), ""},
		} {
			if got, err := vm.Call(tt.method, tt.arg); got != tt.want || err != nil {
				t.Errorf("%s(%v) = %q, %v; want %q", tt.method, tt.arg, got, err, tt.want)
			}
		}
		if got, err := vm.Call("echo"); got != "" || err != nil {
			t.Errorf("undefined gives %q, %v", got, err)
		}
		if _, err := vm.Call("echo", 1); err == nil || !strings.Contains(err.Error(), "int cannot cross") {
			t.Errorf("an int: %v", err)
		}
	})
}
