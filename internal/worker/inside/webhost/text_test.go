package webhost

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// wantException fails unless err is an *Exception with the name.
func wantException(t *testing.T, err error, name string) {
	t.Helper()
	if e, ok := errors.AsType[*Exception](err); !ok || e.Name != name || e.Message == "" {
		t.Errorf("error is %v, want a %s", err, name)
	}
}

func TestDecodeText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		what, label, bytes, want string
		valid                    bool
	}{
		{"ASCII", "utf-8", "abc", "abc", true},
		{"nothing", "utf-8", "", "", true},
		{"label in another case, with blanks", "\n\tUTF8 ", "é", "é", true},
		{"byte order mark", "utf-8", "\xEF\xBB\xBFa", "a", true},
		{"two byte order marks", "utf-8", "\xEF\xBB\xBF\xEF\xBB\xBFa", "\uFEFFa", true},
		{"byte order mark of another encoding", "utf-8", "\xFF\xFEa", "\uFFFD\uFFFDa", false},
		{"U+FFFD itself", "utf-8", "\uFFFD", "\uFFFD", true},
		{"stray byte", "utf-8", "a\x80b", "a\uFFFDb", false},
		{"cut off after two of three", "utf-8", "\xE2\x82", "\uFFFD", false},
		{"cut off after three of four", "utf-8", "\xF0\x9F\x98x", "\uFFFDx", false},
		{"overlong", "utf-8", "\xC0\x80", "\uFFFD\uFFFD", false},
		{"overlong in three", "utf-8", "\xE0\x80\x80", "\uFFFD\uFFFD\uFFFD", false},
		{"surrogate", "utf-8", "\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD", false},
		{"beyond the last", "utf-8", "\xF4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD", false},
		{"start followed by start", "utf-8", "\xF0\x9F\xF0\x9F\x98\x80", "\uFFFD😀", false},
		{"UTF-16", "utf-16", "a\x00\x3d\xd8\x00\xde", "a😀", true},
		{"UTF-16 with mark", "utf-16le", "\xFF\xFEa\x00", "a", true},
		{"UTF-16 big-endian", "UTF-16BE", "\xFE\xFF\x00a\xd8\x3d\xde\x00", "a😀", true},
		{"lone surrogate", "utf-16le", "\x3d\xd8a\x00", "\uFFFDa", false},
		{"surrogate at the end", "utf-16le", "\x3d\xd8", "\uFFFD", false},
		{"cut off inside of a pair", "utf-16le", "\x3d\xd8\x00", "\uFFFD", false},
		{"odd byte after a second half", "utf-16le", "\x00\xde\x00", "\uFFFD\uFFFD", false},
		{"visual Hebrew", "iso-8859-8-i", "\x80\xe0", "\u0080א", true},
		{"odd length", "utf-16le", "a\x00b", "a\uFFFD", false},
		{"Latin 1 is Windows 1252", "ISO-8859-1", "\x80\x81\xe9", "€\u0081é", true},
		{"ASCII too", "us-ascii", "\x93", "“", true},
		{"Windows 1251", "windows-1251", "\xcf\xf0", "Пр", true},
		{"Windows 1253 has gaps", "windows-1253", "\xaa", "\uFFFD", false},
		{"Latin 2", "latin2", "\xb1", "ą", true},
		{"Shift JIS", "shift_jis", "\x93\xfa\x96\x7b", "日本", true},
		{"EUC-JP", "euc-jp", "\xc6\xfc", "日", true},
		{"GBK", "gb2312", "\xc8\xd5", "日", true},
		{"GB 18030", "gb18030", "\x81\x30\x81\x30", "\u0080", true},
		{"Big5", "big5", "\xa4\xe9", "日", true},
		{"EUC-KR", "ks_c_5601-1987", "\xc7\xd1", "한", true},
		{"KOI8-R", "koi8-r", "\xf0", "П", true},
		{"broken Shift JIS", "sjis", "\x93", "\uFFFD", false},
	} {
		t.Run(test.what, func(t *testing.T) {
			got, err := DecodeText([]byte(test.bytes), test.label, false)
			if err != nil || got != test.want {
				t.Errorf("%+q, %v; want %+q", got, err, test.want)
			}
			got, err = DecodeText([]byte(test.bytes), test.label, true)
			switch {
			case !test.valid:
				wantException(t, err, "TypeError")
			case err != nil || got != test.want:
				t.Errorf("fatal: %+q, %v; want %+q", got, err, test.want)
			}
		})
	}
}

func TestUnknownLabels(t *testing.T) {
	t.Parallel()
	for _, label := range []string{"", "utf-9", "utf_8", "\u00a0utf-8", "\vutf-8", "replacement", "iso-2022-kr", "hz-gb-2312", strings.Repeat("x", 1000)} {
		_, err := DecodeText(nil, label, false)
		wantException(t, err, "RangeError")
		if err != nil && len(err.Error()) > 200 {
			t.Errorf("a message of %d bytes", len(err.Error()))
		}
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                   "",
		"aé日😀":                               "aé日😀",
		"x\xed\xa0\x80y":                     "x\uFFFDy",
		"\xed\xb0\x80\xed\xa0\x80":           "\uFFFD\uFFFD",
		"\uFFFD":                             "\uFFFD",
		"\xff\xc3":                           "\uFFFD\uFFFD",
		"\xed\x9f\xbf":                       "\ud7ff",
		"\xed\xa0":                           "\uFFFD\uFFFD",
		"a\xed\xbf\xbf":                      "a\uFFFD",
		strings.Repeat("é\xed\xa0\x80", 500): strings.Repeat("é\uFFFD", 500),
	} {
		if got := string(Encode(text)); got != want {
			t.Errorf("%+q is encoded as %+q, want %+q", text, got, want)
		}
	}
}

func TestAtob(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                 "",
		"YQ==":             "a",
		"YQ":               "a",
		" Y\tQ\n=\f=\r":    "a",
		"YR==":             "a", // bits beyond the byte
		"YWI=":             "ab",
		"YWJj":             "abc",
		"/+8=":             "ÿï",
		"AA==":             "\x00",
		"YWJj\r\nYWJj\r\n": "abcabc",
	} {
		if got, err := Atob(text); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"Y", "=", "==", "====", "YQ=", "YQ===", "YWI==", "YW=I", "Y=Q=", "-_8=", "YQ==YQ==", "é", "YWJj\x00", "YWJj\v", "YQ\u00a0=="} {
		_, err := Atob(text)
		wantException(t, err, "InvalidCharacterError")
	}
}

func TestBtoa(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "a": "YQ==", "ab": "YWI=", "ÿï\x00": "/+8A"} {
		if got, err := Btoa(text); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"Ā", "a😀", "\xed\xa0\x80", "\uFFFD", "\xff"} {
		_, err := Btoa(text)
		wantException(t, err, "InvalidCharacterError")
	}
}

func TestCodecsAreBounded(t *testing.T) {
	big := string(make([]byte, maxTextBytes+1))
	_, err := Atob(big)
	wantException(t, err, "RangeError")
	_, err = Btoa(big)
	wantException(t, err, "RangeError")
	_, err = DecodeText([]byte(big), "utf-8", false)
	wantException(t, err, "RangeError")
}

func FuzzDecodeText(f *testing.F) {
	for _, label := range []string{"utf-8", "utf-16le", "utf-16be", "windows-1252", "shift_jis", "gb18030", "big5", "euc-kr", "iso-2022-jp", "x-user-defined"} {
		f.Add([]byte("a\xE2\x82\xED\xA0\x80\xF0\x9F"), label)
	}
	f.Fuzz(func(t *testing.T, b []byte, label string) {
		text, err := DecodeText(b, label, false)
		if err != nil {
			return
		}
		if !utf8.ValidString(text) {
			t.Errorf("%q is not UTF-8", text)
		}
		if exact, err := DecodeText(b, label, true); err == nil && exact != text {
			t.Errorf("fatal gives %q, not fatal %q", exact, text)
		}
		// An independent decoder agrees about UTF-8.
		if got, _ := decodeUTF8(b); got != referenceUTF8(b) {
			t.Errorf("%q is decoded as %+q, elsewhere as %+q", b, got, referenceUTF8(b))
		}
	})
}

func referenceUTF8(b []byte) string {
	out, _ := unicode.UTF8.NewDecoder().Bytes(b)
	return string(out)
}

func FuzzBase64(f *testing.F) {
	f.Add("YQ==")
	f.Add(" \n")
	f.Fuzz(func(t *testing.T, text string) {
		if encoded, err := Btoa(text); err == nil {
			if decoded, err := Atob(encoded); err != nil || decoded != text {
				t.Errorf("%q comes back as %q, %v", text, decoded, err)
			}
		}
		if decoded, err := Atob(text); err == nil {
			for _, r := range decoded {
				if r > 0xFF {
					t.Errorf("%q decodes to %q", text, decoded)
				}
			}
		}
		if encoded := Encode(text); utf8.ValidString(text) && !bytes.Equal(encoded, []byte(text)) || !utf8.Valid(encoded) {
			t.Errorf("%q is encoded as %q", text, encoded)
		}
	})
}
