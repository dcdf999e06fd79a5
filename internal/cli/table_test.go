package cli

import (
	"errors"
	"strings"
	"testing"
	"time"

	"charmd/internal/charm"
)

func TestLine(t *testing.T) {
	t.Parallel()
	row := []cell{plain("a"), tinted(bad, "bé"), plain("a long error\x1b[2J")}
	widths := columnWidths([][]cell{{plain("head"), plain("x")}, row})
	for _, tc := range []struct {
		width    int
		coloured bool
		want     string
	}{
		{0, false, `a     bé  a long error\u001b[2J`},
		{0, true, "a     \x1b[31mbé\x1b[0m  a long error\\u001b[2J"},
		{16, false, "a     bé  a lon…"},
		{8, true, "a     \x1b[31mbé\x1b[0m"},
		{7, false, "a     …"},
	} {
		if got := line(row, widths, tc.width, tc.coloured); got != tc.want {
			t.Errorf("width %d, coloured %v: %q, want %q", tc.width, tc.coloured, got, tc.want)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 3, 25, 12, 0, 0, 0, time.UTC)
	a := &app{now: func() time.Time { return now }}
	for d, want := range map[time.Duration]string{
		0: "now", -500 * time.Millisecond: "now", 12 * time.Second: "in 12s", -59 * time.Second: "59s ago",
		-61 * time.Second: "1m ago", 90 * time.Minute: "in 1h", -47 * time.Hour: "47h ago", 49 * time.Hour: "in 2d",
	} {
		at := now.Add(d)
		if got := a.relative(&at); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
	if got := a.relative(nil) + a.relative(&time.Time{}) + a.moment(nil); got != "" {
		t.Errorf("no time is %q", got)
	}
}

func TestEveryExitCodeIsDocumented(t *testing.T) {
	t.Parallel()
	meaning := map[int]string{}
	for _, e := range exitCodes {
		if meaning[e.code] != "" || e.meaning == "" {
			t.Errorf("exit code %d is documented twice or not", e.code)
		}
		meaning[e.code] = e.meaning
	}
	for _, code := range []charm.ErrorCode{
		charm.CodeInternal, charm.CodeUsage, charm.CodeInvalid, charm.CodeNotFound, charm.CodeConflict, charm.CodeUnauthorized,
		charm.CodeForbidden, charm.CodeUnavailable, charm.CodeAddressTaken, charm.CodeDataLocked, charm.CodeDataUnusable,
		charm.CodeDataCorrupt, charm.CodeDataNewer, charm.CodeRemoteToolshed, charm.CodeCompile, charm.CodeNoUpdater,
		charm.CodeRunFailed, charm.CodeTooLarge, charm.CodeCancelled,
	} {
		if exit := charm.ExitCode(charm.Errorf(code, "x")); meaning[exit] == "" {
			t.Errorf("%s exits with %d, which is not documented", code, exit)
		}
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestOutputThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	var stderr text
	if code := Main([]string{"version"}, nil, strings.NewReader(""), full{}, &stderr); code != charm.ExitFailure {
		t.Errorf("exit code %d", code)
	}
	contains(t, "stderr", stderr.String(), "charmd: the output could not be written: no space left")
}

func TestCellPath(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"a": "a", "/a/0": "a|0", "a~1b/~0~01": "a/b|~~1", "…/ü": "…|ü"} {
		got, err := cellPath(text)
		if err != nil || strings.Join(got, "|") != want {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "/", "a/", "a//b", ".", "a/../b"} {
		if _, err := cellPath(bad); charm.CodeOf(err) != charm.CodeUsage {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
