package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"unicode/utf8"
)

// Texts as Go holds them and their UTF-16 code units.
var texts = map[string]struct{ text, units string }{
	"empty":               {"", ""},
	"ascii":               {"plain", "70,6c,61,69,6e"},
	"zero bytes":          {"\x00a\x00", "0,61,0"},
	"latin":               {"né", "6e,e9"},
	"other scripts":       {"日本", "65e5,672c"},
	"emoji":               {"a😀", "61,d83d,de00"},
	"lone high surrogate": {"x\xed\xa0\x80y", "78,d800,79"},
	"lone low surrogate":  {"\xed\xb0\x80", "dc00"},
	"swapped surrogates":  {"\xed\xb0\x80\xed\xa0\x80", "dc00,d800"},
	"byte order mark":     {"\ufeffx", "feff,78"},
}

func TestTextCrosses(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		var got string
		o.Host = []HostFunc{{"echo", func(c *Call) { got = c.String(0); c.ReturnString(got) }}}
		vm, _ := newLoaded(t, o, `globalThis.root = {
			units: s => Array.from({length: s.length}, (_, i) => s.charCodeAt(i).toString(16)).join(),
			make: u => String.fromCharCode(...u.split(',').filter(Boolean).map(x => parseInt(x, 16))),
			host: (echo => s => echo(s))(__host.echo),
		}`)
		for name, tt := range texts {
			if units, err := vm.Call("units", tt.text); units != tt.units || err != nil {
				t.Errorf("%s: in: %s, %v; want %s", name, units, err, tt.units)
			}
			if text, err := vm.Call("make", tt.units); text != tt.text || err != nil {
				t.Errorf("%s: out: %q, %v; want %q", name, text, err, tt.text)
			}
			if text, err := vm.Call("host", tt.text); text != tt.text || got != tt.text || err != nil {
				t.Errorf("%s: to a host function and back: %q, %q, %v", name, got, text, err)
			}
		}
		if text, _ := vm.Call("host", "a\xffb\xc0"); !utf8.ValidString(text) || !strings.HasPrefix(text, "a\ufffd") {
			t.Errorf("bytes that are no text: %q", text)
		}
	})
}

func TestLargeValuesCross(t *testing.T) {
	eachMode(t, func(t *testing.T, o Options) {
		o.Host = []HostFunc{
			{"echo", func(c *Call) { c.ReturnString(c.String(0)) }},
			{"flip", func(c *Call) {
				b := c.Bytes(0)
				for i := range b {
					b[i] ^= 0xff
				}
				c.ReturnBytes(b)
			}},
			{"sum", func(c *Call) { s := sha256.Sum256(c.Bytes(0)); c.ReturnString(hex.EncodeToString(s[:])) }},
		}
		vm, _ := newLoaded(t, o, `globalThis.root = (({echo, flip, sum}) => ({
			text: s => echo(s), bytes: b => sum(flip(flip(b))),
		}))(__host)`)
		for name, text := range map[string]string{
			"ascii": strings.Repeat("0123456789abcdef", 1<<18), "mixed": strings.Repeat("aé\x00😀", 1<<17),
		} {
			if got, err := vm.Call("text", text); got != text || err != nil {
				t.Errorf("%s: %d bytes back of %d, %v", name, len(got), len(text), err)
			}
		}
		data := bytes.Repeat([]byte("\x00\x01\xfe\xff data"), 1<<18)
		want := sha256.Sum256(data)
		if got, err := vm.Call("bytes", data); got != hex.EncodeToString(want[:]) || err != nil {
			t.Errorf("%d bytes changed on the way: %s, %v", len(data), got, err)
		}
	})
}

// FuzzText: whatever bytes Go passes as text, the script sees a string, and that string comes back
// unchanged from then on.
func FuzzText(f *testing.F) {
	for _, tt := range texts {
		f.Add([]byte(tt.text))
	}
	f.Add([]byte("\xff\xfe\xed\xa0"))
	f.Add([]byte("\xf4\x90\x80\x80\xc0\x80"))
	vm, img := newLoaded(f, Options{ArenaBytes: 8 << 20}, workbench)
	f.Fuzz(func(t *testing.T, data []byte) {
		restore(t, vm, img)
		once, err := vm.Call("echo", string(data))
		if err != nil {
			t.Fatal(err)
		}
		if utf8.Valid(data) && once != string(data) {
			t.Errorf("%q became %q", data, once)
		}
		if twice, err := vm.Call("echo", once); twice != once || err != nil {
			t.Errorf("%q became %q, %v", once, twice, err)
		}
	})
}
