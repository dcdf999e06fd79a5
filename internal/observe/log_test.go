package observe

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"
)

// colour matches the sequences that the handler writes of itself.
var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

// attacks are texts that a charm could put into a name or an error, each of
// which would do something to a terminal or forge a line.
var attacks = []string{
	"\x1b[2J", "line\nlevel=ERROR forged", "\u009b2J", "\x07", "\u202egpj.exe", "\r\x1b]0;title\x07",
	`\x1b[2J`, `spaced \x1b[2J`, `spaced \\x1b[2J`, "spaced \x1b[2J", "\xff\x1b",
}

type named struct{ Name string }

type stringer string

func (s stringer) String() string { return string(s) }

func TestNoFormLetsControlCharactersThrough(t *testing.T) {
	t.Parallel()
	for _, form := range []Form{JSON, Plain, Coloured} {
		for _, attack := range attacks {
			var out bytes.Buffer
			logger := NewLogger(&out, form, slog.LevelDebug).With("with", attack)
			logger.WithGroup("g").Info(attack,
				"text", attack, "err", errors.New(attack), "struct", named{attack}, "stringer", stringer(attack),
				"bytes", []byte(attack), slog.Group("deep", "text", attack), "level", attack)
			line, ok := strings.CutSuffix(out.String(), "\n")
			if !ok {
				t.Fatalf("form %d: no line end: %q", form, out.String())
			}
			if form == Coloured {
				// What the attack smuggled in is not an attribute of colour.
				line = colour.ReplaceAllString(line, "")
			}
			if i := strings.IndexFunc(line, hostile); i >= 0 {
				t.Errorf("form %d, %q: %q gets through in %q", form, attack, line[i:], line)
			}
		}
	}
}

func TestJSONRecordsStayReadable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	NewLogger(&out, JSON, slog.LevelInfo).Info("hello", "n", 3, "ok", true, "d", time.Second,
		"at", time.Unix(0, 0).UTC(), "err", errors.New("a\nb"), "addr", netip.MustParseAddr("::1"))
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"level": "INFO", "msg": "hello", "n": 3.0, "ok": true, "d": 1e9, "at": "1970-01-01T00:00:00Z", "err": "a\nb", "addr": "::1",
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
}

func TestLevelAndForm(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := NewLogger(&out, Plain, slog.LevelWarn)
	logger.Info("not this")
	logger.Warn("this", "charm", "home/news")
	if got := out.String(); strings.Contains(got, "not this") || !strings.HasSuffix(got, " WRN this charm=home/news\n") {
		t.Errorf("got %q", got)
	}
	out.Reset()
	NewLogger(&out, Coloured, slog.LevelInfo).Error("x")
	if !colour.Match(out.Bytes()) {
		t.Errorf("no colour in %q", out.String())
	}
}
