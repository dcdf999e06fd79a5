package observe

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPrintable(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, line, text string }{
		{"plain ✓ 日本 👩‍🚀", "plain ✓ 日本 👩‍🚀", "plain ✓ 日本 👩‍🚀"},
		{"\x1b[31mred", `\u001b[31mred`, `\u001b[31mred`},
		{"a\nb\tc\r", `a\u000ab\u0009c\u000d`, "a\nb\tc" + `\u000d`},
		{"\x7f\u009b2J", `\u007f\u009b2J`, `\u007f\u009b2J`},
		{"safe\u202etxt.exe\u2066", `safe\u202etxt.exe\u2066`, `safe\u202etxt.exe\u2066`},
		{"a\u2028b\u2029\ufeff", `a\u2028b\u2029\ufeff`, `a\u2028b\u2029\ufeff`},
		{"\xff\xfeok", `\xff\xfeok`, `\xff\xfeok`},
		{"\ufffd stays", "\ufffd stays", "\ufffd stays"},
		{"", "", ""},
	} {
		if got := Line(tc.in); got != tc.line {
			t.Errorf("Line(%q) = %q, want %q", tc.in, got, tc.line)
		}
		if got := Text(tc.in); got != tc.text {
			t.Errorf("Text(%q) = %q, want %q", tc.in, got, tc.text)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("\x1b]0;title\x07\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		for _, got := range []string{Line(s), strings.NewReplacer("\n", "", "\t", "").Replace(Text(s))} {
			if !utf8.ValidString(got) || strings.ContainsFunc(got, hostile) {
				t.Fatalf("%q became %q", s, got)
			}
		}
	})
}
