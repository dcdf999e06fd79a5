package merkle

import (
	"encoding/base32"
	"errors"
	"strings"
	"testing"

	"charmd/internal/jsontext"
)

func TestTextForms(t *testing.T) {
	t.Parallel()
	ref := Refer(parseJSON(t, `{"a":1}`))
	const str = "ba4jcb5einytabao6b5itqcxsbnbpci2agn4fyoisp6okhkghi7zkw2je"
	const link = "baedreihurbxcmaeb3yhvcoak6ifuf4jdiazxqxbzcj7zzi5iy5d7fk3jeq"
	if ref.String() != str || ref.Link() != link {
		t.Errorf("got %s %s", ref, ref.Link())
	}
	if got := jsontext.Text(ref.JSON()); got != `{"/":"`+link+`"}` {
		t.Errorf("link form %s", got)
	}
	if b := ref.Bytes(); len(b) != 36 || string(b[:4]) != header || Ref(b[4:]) != ref {
		t.Errorf("bytes %x", b)
	}
	if ref.IsZero() || !(Ref{}).IsZero() {
		t.Error("only the zero Ref is zero")
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	ref := Refer("x")
	str, link := ref.String(), ref.Link()
	other := func(i int, c byte) string {
		b := []byte(header + string(ref[:]))
		b[i] = c
		return "b" + lower.EncodeToString(b)
	}
	// 58 characters hold 290 bits, two more than the 36 bytes of a link.
	last := link[len(link)-1]
	const digits = "abcdefghijklmnopqrstuvwxyz234567"
	loose := link[:len(link)-1] + string(digits[strings.IndexByte(digits, last)+1])
	for name, link := range map[string]string{
		"string form": str, "short": link[:len(link)-1], "long": link + "aa", "upper case": strings.ToUpper(link), "empty": "", "b": "b",
		"line break": link[:9] + "\n" + link[9:], "version": other(0, 2), "codec": other(1, 8), "hash": other(2, 0x13), "size": other(3, 31),
		"unused bits": loose, "another base": "z" + link[1:], "digit 1": "b1" + link[2:], "not ASCII": link[:9] + "é" + link[11:], "huge": "b" + strings.Repeat("a", 1<<20),
	} {
		if got, err := ParseLink(link); !errors.Is(err, ErrInvalidReference) || !got.IsZero() {
			t.Errorf("%s: link %.80q read as %s, %v", name, link, got, err)
		} else if len(err.Error()) > 2*maxText {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
	for name, s := range map[string]string{
		"link form": link, "short": str[:len(str)-1], "upper case": strings.ToUpper(str), "empty": "", "no multibase": str[1:], "line break": str + "\n",
		"one bit more": str + "b", "huge": str + strings.Repeat("a", maxText),
	} {
		if got, err := ParseString(s); !errors.Is(err, ErrInvalidReference) {
			t.Errorf("%s: string form %.80q read as %s, %v", name, s, got, err)
		}
	}
}

// The original's decoder takes these too, and keys of stored causes may be so.
func TestParseStringIgnoresWhatFollows(t *testing.T) {
	t.Parallel()
	ref := Refer("x")
	extra := "b" + base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding).EncodeToString(append(ref.Bytes()[1:], 1, 2, 3))
	for _, s := range []string{extra, ref.String() + "===", ref.String() + "aa"} {
		if got, err := ParseString(s); err != nil || got != ref {
			t.Errorf("%s: %s, %v", s, got, err)
		}
	}
}

func FuzzParseReference(f *testing.F) {
	ref := Refer("x")
	for _, s := range []string{"", "b", ref.String(), ref.Link(), ref.String() + "aa", ref.Link() + "=", "baedrei"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if ref, err := ParseLink(s); err == nil && ref.Link() != strings.TrimRight(s, "=") {
			t.Errorf("%q reads as %s", s, ref.Link())
		}
		if ref, err := ParseString(s); err == nil && !strings.HasPrefix(s, ref.String()) {
			t.Errorf("%q reads as %s", s, ref)
		}
	})
}
