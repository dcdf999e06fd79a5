package observe

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"charmd/internal/api"
)

func TestLogSummary(t *testing.T) {
	t.Parallel()
	cycle := time.Date(2025, 3, 25, 12, 1, 0, 0, time.UTC)
	s := api.Status{
		StartedAt: time.Now().Add(-90 * time.Second), TotalExecutions: 12, TotalSuccesses: 10, TotalFailures: 2, Cycles: 4, LastCycle: &cycle,
		Charms: map[string]int{"completed": 3, "disabled": 1, "failed": 0}, StoreBytes: 4096,
		Workers:  []api.Worker{{PID: 1, Task: "r"}, {PID: 2}},
		NotReady: []string{"the disk is full"},
	}
	for i := range 7 {
		s.Problems = append(s.Problems, api.Problematic{Charm: "home/" + string(rune('a'+i)), Status: "disabled"})
	}
	var out bytes.Buffer
	LogSummary(NewLogger(&out, Plain, slog.LevelInfo), s)
	for _, want := range []string{
		"INF status up=1m30s", `charms="4 (3 completed, 1 disabled)"`, "executions=12 successes=10 failures=2 cycles=4",
		`workers="1 of 2 busy"`, "storeBytes=4096", "lastCycle=2025-03-25T12:01:00",
		"home/e (disabled), and 2 more", `WRN not ready reason="the disk is full"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, out.String())
		}
	}
}

func TestSummaryOfNothing(t *testing.T) {
	t.Parallel()
	for _, a := range summary(api.Status{}) {
		if a.Key == "charms" && a.Value.String() != "0" {
			t.Errorf("charms is %q", a.Value)
		}
		if a.Key == "lastCycle" || a.Key == "needAttention" {
			t.Errorf("%s is said of a service without any", a.Key)
		}
	}
}
