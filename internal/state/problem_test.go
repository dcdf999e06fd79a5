package state

import (
	"strings"
	"testing"
	"unicode/utf8"

	"charmd/internal/charm"
)

func TestGist(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"":                           "",
		"TypeError: x is undefined":  "TypeError: x is undefined",
		"answered 503":               "answered #",
		"still running after 2s":     "still running after #",
		"no item 12 of 90 in [1, 2]": "no item # of # in [#]",
		"cannot reach 127.0.0.1:43211 (attempt 2)":      "cannot reach # (attempt #)",
		`no field "a" in 'b' of ` + "`c`":               "no field # in # of #",
		"it can't be 'so', isn't it":                    "it can't be #, isn't it",
		"of “this” or «that»":                           "of # or #",
		"user 8d3c1f0e-1b2a-4c3d-9e8f-7a6b5c4d3e2f":     "user #",
		"did:key:z6MkHaXU2BzXhwp is not known":          "did:key:# is not known",
		"first line\nat news.tsx:3":                     "first line",
		"an \"open quote with 3":                        "an \"open quote with #",
		"übergröße 7 größer als erlaubt":                "übergröße # größer als erlaubt",
		"items 1, 2, 3 failed":                          "items # failed",
		"GET https://example.org/feed/77?page=2 failed": "GET https://example.org/feed/#?page=# failed",
	} {
		if got := gist(message); got != want {
			t.Errorf("%q: %q, want %q", message, got, want)
		}
	}
}

func TestWhatIsTheSameError(t *testing.T) {
	t.Parallel()
	failed := func(o charm.Outcome, code charm.ErrorCode, message, position string) charm.Run {
		return charm.Run{Outcome: o, Code: code, Error: message, Position: position}
	}
	thrown := failed(charm.Errored, charm.CodeThrown, "no item 3", "news.tsx:4:5")
	for _, c := range []struct {
		name string
		a, b charm.Run
		same bool
	}{
		{"one place, other words", thrown, failed(charm.Errored, charm.CodeThrown, "something else", "news.tsx:4:5"), true},
		{"another place", thrown, failed(charm.Errored, charm.CodeThrown, "no item 3", "news.tsx:5:5"), false},
		{"another code", thrown, failed(charm.Errored, charm.CodeRejection, "no item 3", "news.tsx:4:5"), false},
		{"no place, other numbers", failed(charm.TimedOut, charm.CodeTimeout, "after 2s", ""), failed(charm.TimedOut, charm.CodeTimeout, "after 30s", ""), true},
		{"no place, other words", failed(charm.Remote, "", "answered 503", ""), failed(charm.Remote, "", "timed out", ""), false},
		{"another outcome", failed(charm.Remote, "", "gone", ""), failed(charm.Errored, "", "gone", ""), false},
	} {
		a, _ := Met(c.a)
		b, _ := Met(c.b)
		if (a.Key == b.Key) != c.same {
			t.Errorf("%s: %q and %q", c.name, a.Key, b.Key)
		}
	}
}

func TestWhatIsAnError(t *testing.T) {
	t.Parallel()
	for _, o := range charm.Outcomes() {
		_, met := Met(charm.Run{Outcome: o, Error: "x"})
		if want := o != charm.OK && o != charm.Lost && o != charm.Cancelled; met != want {
			t.Errorf("%s: %v, want %v", o, met, want)
		}
	}
}

func FuzzProblemKey(f *testing.F) {
	f.Add("no item 3 in \"x\"", "")
	f.Add(strings.Repeat("“1", 1000), "news.tsx:4:5")
	f.Fuzz(func(t *testing.T, message, position string) {
		run := charm.Run{Outcome: charm.Errored, Code: charm.CodeThrown, Error: message, Position: position}
		p, _ := Met(run)
		if len(p.Key) > mostOfKey {
			t.Errorf("the key has %d bytes", len(p.Key))
		}
		if utf8.ValidString(message+position) && !utf8.ValidString(p.Key) {
			t.Errorf("the key %q is cut within a character", p.Key)
		}
		if again, _ := Met(run); again.Key != p.Key {
			t.Error("one error has two keys")
		}
	})
}
