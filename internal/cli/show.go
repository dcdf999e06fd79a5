package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/explain"
	"charmd/internal/observe"
)

func (a *app) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show SPACE/CHARM",
		Short: "Show a charm, its state and its result",
		Args:  exactly(1, charmArgument),
		RunE: a.onCharm(func(ctx context.Context, c *client.Client, ref client.Ref, _ []string) error {
			shown, err := c.Charm(ctx, ref)
			if err != nil {
				return err
			}
			return a.result(shown, func() { a.printCharm(shown) })
		}),
	}
}

func (a *app) printCharm(c api.Charm) {
	s := c.State
	a.rows([][]cell{{tinted(strong, refOf(c)), tinted(statusColour(c.Status), c.Status)}}, 0)
	a.fields(
		field{"  id", plain(c.CharmID)},
		field{"  space", plain(c.Space)},
		field{"  recipe", plain(c.Recipe)},
		field{"  integration", plain(c.Integration)},
		field{"  schedule", plain(c.Schedule)},
		field{"  priority", plain(priority(c.Priority))},
		field{"  timeout", plain(c.Timeout)},
		field{"  may reach", plain(strings.Join(c.AllowHosts, ", "))},
		field{"  probe", plain(c.Probe)},
		field{"  paused", tinted(uneasy, a.paused(c.Paused))},
		field{"  that is", plain(c.Means)},
		field{"  next run", plain(a.moment(c.NextRun))},
		field{"  last run", plain(a.lastRun(c))},
		field{"  runs", plain(executions(s))},
		field{"  times", plain(times(s))},
		field{"  percentiles", plain(timings(s))},
		field{"  last error", tinted(bad, a.lastError(s))},
		field{"  disabled", tinted(uneasy, a.disabled(s))},
		field{"  waiting", tinted(uneasy, s.Waiting)},
	)
	a.printTroubles(c.Problems)
	if len(c.Result) > 0 {
		a.print("result")
		a.printResult(c.Result)
	}
}

// priority is how a charm stands to the others of its space; "" for the usual.
func priority(p int) string {
	if p == 0 {
		return ""
	}
	return fmt.Sprintf("%d", p)
}

func (a *app) lastRun(c api.Charm) string {
	if c.State.LastExecuted == nil {
		return "never"
	}
	text := fmt.Sprintf("%s, %s in %s", a.moment(c.State.LastExecuted), c.State.LastOutcome, explain.Took(c.State.LastExecutionTimeMs))
	if c.LastRun != "" {
		text += ", " + c.LastRun
	}
	return text
}

// tally counts runs: those that are neither ok nor the charm's failure met the
// other side's fault or other writers.
func tally(all, ok, failed int64) string {
	text := fmt.Sprintf("%d: %d ok, %d failed", all, ok, failed)
	if others := all - ok - failed; others > 0 {
		text += fmt.Sprintf(", %d by others' fault", others)
	}
	return text
}

func executions(s api.State) string {
	text := tally(s.TotalExecutions, s.TotalSuccesses, s.TotalFailures)
	if s.ConsecutiveFailures > 0 {
		text += fmt.Sprintf(", the last %s in a row", explain.Count(s.ConsecutiveFailures, "job"))
	}
	return text
}

func times(s api.State) string {
	if s.TotalExecutions == 0 {
		return ""
	}
	return fmt.Sprintf("%s on average, %s to %s", explain.Took(s.AvgExecutionTimeMs), explain.Took(s.MinExecutionTimeMs), explain.Took(s.MaxExecutionTimeMs))
}

func timings(s api.State) string {
	if s.Timings == nil {
		return ""
	}
	text := fmt.Sprintf("50 %% within %s, 95 %% %s, 99 %% %s", explain.Took(s.P50ExecutionTimeMs), explain.Took(s.P95ExecutionTimeMs), explain.Took(s.P99ExecutionTimeMs))
	if s.P50LatenessMs != nil && s.P95LatenessMs != nil {
		text += fmt.Sprintf("; started 50 %% within %s of due, 95 %% %s", explain.Took(*s.P50LatenessMs), explain.Took(*s.P95LatenessMs))
	}
	return text
}

// mostTroubles is how many errors show prints; charmd errors lists all.
const mostTroubles = 5

func (a *app) printTroubles(list []api.Trouble) {
	if len(list) == 0 {
		return
	}
	a.print("errors")
	var rows [][]cell
	for _, t := range list[:min(len(list), mostTroubles)] {
		when := fmt.Sprintf("first %s, last %s, %s", a.relative(&t.FirstSeen), a.relative(&t.LastSeen), explain.Count(t.Times, "time"))
		rows = append(rows, []cell{plain("  " + when), tinted(statusColour(string(t.Outcome)), string(t.Outcome)), plain(orDash(t.Position)), plain(firstLine(t.Message))})
	}
	a.rows(rows, 0)
	if more := len(list) - mostTroubles; more > 0 {
		a.print("  … %d more: charmd errors %s", more, observe.Line(list[0].Charm))
	}
}

func (a *app) lastError(s api.State) string {
	if s.LastError == "" {
		return ""
	}
	return fmt.Sprintf("%s (%s)", firstLine(s.LastError), a.relative(s.LastErrorTimestamp))
}

func (a *app) disabled(s api.State) string {
	if !s.Disabled {
		return ""
	}
	text := disabledBy(s.DisabledBy)
	if s.DisabledAt != nil {
		text += " " + a.relative(s.DisabledAt)
	}
	if s.DisabledReason != "" {
		text += ": " + s.DisabledReason
	}
	if s.NextTry != nil {
		text += "; next try " + a.relative(s.NextTry)
	}
	return text
}

// disabledBy says what disabled a charm.
func disabledBy(by charm.DisabledBy) string {
	switch by {
	case charm.ByFailures:
		return "by its failures"
	case charm.ByPermanent:
		return "by what will not pass by itself"
	}
	return "by a person"
}

// printResult prints JSON; at a terminal as much of it as there is room for.
func (a *app) printResult(result json.RawMessage) {
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, result, "  ", "  "); err != nil {
		pretty.Reset()
		pretty.Write(result)
	}
	lines := strings.Split("  "+pretty.String(), "\n")
	width, height := a.size()
	room := max(height-14, 10) // what printCharm has printed stays in sight
	for i, text := range lines {
		if width > 0 && i == room && len(lines) > room+1 {
			a.print("  … %d more lines; --json shows all", len(lines)-i)
			return
		}
		text = observe.Line(text)
		if width > 0 {
			text = cut(text, width)
		}
		a.print("%s", text)
	}
}
