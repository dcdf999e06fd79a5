package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/explain"
	"charmd/internal/observe"
)

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show how the service is",
		Args:  nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			status, err := c.Status(cmd.Context())
			if err != nil {
				return err
			}
			return a.result(status, func() { a.printStatus(status) })
		},
	}
}

// role says what a charmd is to the toolshed.
func role(toolshed string) string {
	switch toolshed {
	case "alone":
		return "toolshed alone"
	case "embedded":
		return "embedded toolshed"
	}
	return "beside the toolshed at " + toolshed
}

func (a *app) printStatus(s api.Status) {
	ready := tinted(good, "ready")
	if !s.Ready {
		ready = tinted(bad, "not ready: "+strings.Join(s.NotReady, "; "))
	}
	cycles := plainf("%d", s.Cycles)
	if s.LastCycle != nil {
		cycles = plainf("%d, the last %s", s.Cycles, a.relative(s.LastCycle))
	}
	a.rows([][]cell{{tinted(strong, "charmd "+s.Version), ready}}, 0)
	fields := []field{
		{"  address", plainf("%s (pid %d, %s)", s.URL, s.PID, role(s.Toolshed))},
		{"  data", plainf("%s (%s)", s.DataDir, explain.Size(s.StoreBytes))},
		{"  up since", plainf("%s, %s before", a.moment(&s.StartedAt), explain.Count(s.Restarts, "restart"))},
		{"  charms", plain(observe.Counts(s.Charms))},
		{"  runs", plainf("%s", tally(s.TotalExecutions, s.TotalSuccesses, s.TotalFailures))},
		{"  last hour", plain(figures(s.LastHour))},
		{"  last day", plain(figures(s.LastDay))},
		{"  cycles", cycles},
		{"  workers", plainf("%d, %d of them busy", len(s.Workers), observe.Busy(s.Workers))},
		{"  sandbox", plain(layers(s.Sandbox))},
	}
	for _, p := range s.Pauses {
		fields = append(fields, field{"  paused", tinted(uneasy, a.paused(&p))})
	}
	for _, c := range s.Connections {
		text := fmt.Sprintf("%s %s for %s: %s", c.Provider, c.Account, c.Charm, firstLine(c.Because))
		fields = append(fields, field{"  account", tinted(connectionColour(c.State), text)})
	}
	a.fields(fields...)
	if len(s.Problems) == 0 {
		return
	}
	a.print("needs attention")
	var rows [][]cell
	for _, p := range s.Problems {
		next := ""
		if p.NextTry != nil {
			next = "next try " + a.relative(p.NextTry)
		}
		rows = append(rows, []cell{plain("  " + p.Charm), tinted(statusColour(p.Status), p.Status), plain(next), plain(firstLine(p.Reason))})
	}
	a.rows(rows, 0)
}

// figures says how many runs there were, how long they took and how late they were.
func figures(f *api.Figures) string {
	if f == nil || f.Runs == 0 {
		return ""
	}
	text := explain.Count(f.Runs, "run")
	for _, o := range charm.Outcomes() {
		if n := f.Outcomes[o]; n > 0 {
			text += fmt.Sprintf(", %d %s", n, o)
		}
	}
	return text + "; took " + percentiles(f.TookMs) + "; late " + percentiles(f.LateMs)
}

func percentiles(p api.Percentiles) string {
	return fmt.Sprintf("%s (p95 %s, p99 %s)", explain.Took(p.P50), explain.Took(p.P95), explain.Took(p.P99))
}

// layers says which walls of the sandbox stand.
func layers(sandbox map[string]api.Layer) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(sandbox)) {
		layer := sandbox[name]
		text := name + " " + layer.State
		if layer.Reason != "" {
			text += fmt.Sprintf(" (%s)", layer.Reason)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}
