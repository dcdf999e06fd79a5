package webhost

import (
	"encoding/json"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestQuery(t *testing.T) {
	t.Parallel()
	for search, want := range map[string]string{
		"":                           `[]`,
		"?":                          `[]`,
		"?a=1&b=2":                   `[["a","1"],["b","2"]]`,
		"??a":                        `[["?a",""]]`,
		"&&a&=&b=c=d&":               `[["a",""],["",""],["b","c=d"]]`,
		"a+b=c%20d%2B":               `[["a b","c d+"]]`,
		"a=%e4%BD%a0":                `[["a","你"]]`,
		"a=%zz%4&b=%":                `[["a","%zz%4"],["b","%"]]`,
		"a=%25%3":                    `[["a","%%3"]]`,
		"a=%FF%C3x%E4%BD":            `[["a","` + "\uFFFD\uFFFDx\uFFFD" + `"]]`,
		"a=%EF%BB%BFx%EF%BB%BF":      `[["a","` + "\uFEFFx\uFEFF" + `"]]`,
		"a=%22\"\\":                  `[["a","\"\"\\"]]`,
		"\xed\xa0\x80=\xed\xa0\x80%": `[["\ud800","` + "\uFFFD" + `%"]]`,
	} {
		if got, err := Query(search); got != want || err != nil {
			t.Errorf("%q reads as %s, %v; want %s", search, got, err, want)
		}
	}
}

func TestQueryText(t *testing.T) {
	t.Parallel()
	for pairs, want := range map[string]string{
		`[]`:                                  "",
		`[["a","1"],["a",""],["",""]]`:        "a=1&a=&=",
		`[["q","~!'()*-._ +&=%/?#"]]`:         "q=%7E%21%27%28%29*-._+%2B%26%3D%25%2F%3F%23",
		`[["ü","你 \u0000\n\""]]`:              "%C3%BC=%E4%BD%A0+%00%0A%22",
		`[["\ud800","a\ud83d\ude00\udc00b"]]`: "%EF%BF%BD=a%F0%9F%98%80%EF%BF%BDb",
	} {
		got, err := QueryText(pairs)
		if err != nil || got != want {
			t.Errorf("%s is written as %q, %v; want %q", pairs, got, err, want)
		}
	}
	for _, none := range []string{`{"a":1}`, `0`, ``, `[`, `[0,0]`, `[["a","b"],0]`, `[["a","b"]`} {
		if text, err := QueryText(none); err == nil {
			t.Errorf("%s is written as %q", none, text)
		}
	}
}

func TestQueryLimits(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxQueryBytes)
	many := strings.Repeat("&a", maxQueryPairs-1)
	for search, fits := range map[string]bool{long: true, long + "x": false, many: true, many + "&": false} {
		if text, err := Query(search); (err == nil) != fits {
			t.Errorf("%.10q… of %d bytes is read as %.10q, %v", search, len(search), text, err)
		}
	}
	if text, err := QueryText(`[["` + long + `",""]]`); err == nil {
		t.Errorf("pairs without bounds are written as %.10q", text)
	}
}

// A script can hand over what takes sixteen times its text as a list. Not in
// parallel: what is counted is what the whole process takes.
func TestQueryTextKeepsNoList(t *testing.T) {
	const numbers = 1_000_000
	pairs := "[" + strings.Repeat("0,", numbers) + "0]"
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if text, err := QueryText(pairs); err == nil {
		t.Errorf("numbers are written as %.10q", text)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 8*numbers {
		t.Errorf("%d bytes of pairs took %d bytes", len(pairs), took)
	}
}

// What is written reads as the same; and the standard library reads the same where
// it takes the query too.
func FuzzQuery(f *testing.F) {
	for _, search := range []string{"?a=1&b=%E4%BD%A0", "a+b=%2B&%zz", "%EF%BB%BF%EF%BB%BF", "\xed\xa0\x80=%", "&=&%00", "??a=b=c&&%FF"} {
		f.Add(search)
	}
	f.Fuzz(func(t *testing.T, search string) {
		pairs, err := Query(search)
		var list [][2]string
		if err != nil || json.Unmarshal([]byte(pairs), &list) != nil {
			t.Fatalf("%q reads as %q, %v", search, pairs, err)
		}
		at := 0
		for part := range strings.SplitSeq(strings.TrimPrefix(search, "?"), "&") {
			if part == "" {
				continue
			}
			name, value, _ := strings.Cut(part, "=")
			for i, text := range []string{name, value} {
				want, err := url.QueryUnescape(text)
				if err == nil && utf8.ValidString(text) && utf8.ValidString(want) && list[at][i] != want {
					t.Errorf("%q of %q reads as %q, elsewhere as %q", text, search, list[at][i], want)
				}
			}
			at++
		}
		if at != len(list) {
			t.Errorf("%q has %d pairs, and is read as %s", search, at, pairs)
		}
		text, err := QueryText(pairs)
		if err != nil {
			t.Fatal(err)
		}
		pairs, _ = Query(text)
		again, err := QueryText(pairs)
		if err != nil || again != text {
			t.Errorf("%q is written as %q, and that as %q (%v)", search, text, again, err)
		}
	})
}
