package engine

import (
	"strings"
	"testing"
)

// runtimeSource is a stand-in for what is loaded before recipes: classes and closures.
var runtimeSource = strings.Repeat(`(function () {
	class Cell { #value; #listeners = new Set(); constructor(v) { this.#value = v }
		get() { return this.#value } set(v) { this.#value = v; for (const l of this.#listeners) l(v) }
		sink(l) { this.#listeners.add(l); return () => this.#listeners.delete(l) } }
	const registry = new Map(); globalThis.kept ??= [];
	globalThis.kept.push({ make(name, v) { const c = new Cell(v); registry.set(name, c); return c },
		find: name => registry.get(name), names: () => [...registry.keys()].sort() }); })();
`, 60) + `
globalThis.root = { count: n => { const c = kept[0].make('n', 0); for (let i = 0; i < n; i++) c.set(c.get() + 1); return c.get() },
	host: (echo => n => { for (let i = 0; i < n; i++) echo('a value of some length') })(globalThis.__host.echo) }`

var echo = []HostFunc{{"echo", func(c *Call) { c.ReturnString(c.String(0)) }}}

func BenchmarkCreateAndLoad(b *testing.B) {
	for name, load := range loaders {
		b.Run(name, func(b *testing.B) {
			var size int
			for b.Loop() {
				vm, err := New(Options{Host: echo})
				if err != nil {
					b.Fatal(err)
				}
				if err := load(vm, "runtime.js", runtimeSource); err != nil {
					b.Fatal(err)
				}
				size = freeze(b, vm).Size()
				if err := vm.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(size), "image-bytes")
		})
	}
}

func BenchmarkRestore(b *testing.B) {
	for name, rebuild := range map[string]bool{"snapshot": false, "rebuild": true} {
		b.Run(name, func(b *testing.B) {
			vm, img := newLoaded(b, Options{Host: echo, Rebuild: rebuild}, runtimeSource)
			for b.Loop() {
				if err := vm.Restore(img); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(img.Size()), "image-bytes")
		})
	}
}

func BenchmarkRestoreAndCall(b *testing.B) {
	vm, img := newLoaded(b, Options{Host: echo}, runtimeSource)
	for b.Loop() {
		if err := vm.Restore(img); err != nil {
			b.Fatal(err)
		}
		if _, err := vm.Call("count", 10.0); err != nil {
			b.Fatal(err)
		}
		if err := vm.Pump(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCall(b *testing.B) {
	vm, _ := newLoaded(b, Options{Host: echo}, runtimeSource)
	for b.Loop() {
		if _, err := vm.Call("count", 1.0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHostCall(b *testing.B) {
	vm, _ := newLoaded(b, Options{Host: echo}, runtimeSource)
	for b.Loop() {
		if _, err := vm.Call("host", 1000.0); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/hostcall")
}

func BenchmarkFreeze(b *testing.B) {
	vm, _ := newLoaded(b, Options{Host: echo}, runtimeSource)
	for b.Loop() {
		if _, err := vm.Freeze(); err != nil {
			b.Fatal(err)
		}
	}
}
