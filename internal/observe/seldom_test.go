package observe

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s := NewSeldom(slog.New(slog.NewTextHandler(&log, nil)))
		for range 1000 {
			s.Warn("knock", "from", "x")
		}
		time.Sleep(time.Minute)
		s.Warn("knock", "from", "y")
		s.Warn("knock", "from", "z")
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 2 || !strings.Contains(lines[0], "msg=knock omitted=0 from=x") || !strings.Contains(lines[1], "msg=knock omitted=999 from=y") {
			t.Errorf("the log has %d lines: %s", len(lines), lines[0])
		}
	})
}
