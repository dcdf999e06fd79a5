package cli

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/explain"
	"charmd/internal/observe"
)

// runID is the form of a run's id.
var runID = regexp.MustCompile(`^[0-7][0-9A-HJKMNP-TV-Z]{25}$`)

const (
	defaultRuns = 20
	maxRuns     = 1000 // that the daemon lists at once
)

func (a *app) runsCommand() *cobra.Command {
	q := client.Query{}
	var outcome string
	var changes, egress bool
	cmd := &cobra.Command{
		Use:   "runs [SPACE/CHARM | ID]",
		Short: "List the last runs, or show one",
		Args:  atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			if q.Before != "" && !runID.MatchString(q.Before) {
				return charm.Errorf(charm.CodeUsage, "--before is %q: it takes the id of a run", q.Before).WithHint("charmd runs lists them")
			}
			if changes && egress {
				return charm.Errorf(charm.CodeUsage, "--changes and --egress exclude each other").WithHint("ask for one after the other")
			}
			if changes {
				return a.runChanges(cmd.Context(), c, args)
			}
			if egress {
				return a.runEgress(cmd.Context(), c, args)
			}
			if len(args) == 1 && runID.MatchString(args[0]) {
				run, err := c.RunRecord(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return a.result(run, func() { a.printRun(run) })
			}
			q.Outcome = charm.Outcome(outcome)
			list, err := lastRuns(cmd.Context(), c, args, q)
			if err != nil {
				return err
			}
			return a.result(list, func() { a.printRuns(list) })
		},
	}
	flags := cmd.Flags()
	flags.IntVarP(&q.Limit, "limit", "n", defaultRuns, "list the last `N` runs")
	flags.StringVar(&outcome, "outcome", "", "only runs with this `OUTCOME`, such as ok or timeout")
	flags.StringVar(&q.Before, "before", "", "only runs older than the one with this `ID`")
	flags.BoolVar(&changes, "changes", false, "with ID: show what the run changed")
	flags.BoolVar(&egress, "egress", false, "with ID: list the requests that the run sent")
	return cmd
}

// lastRuns lists runs of the charm named by the argument, or of all; never nil.
func lastRuns(ctx context.Context, c *client.Client, args []string, q client.Query) ([]api.Run, error) {
	if q.Limit < 1 || q.Limit > maxRuns {
		return nil, charm.Errorf(charm.CodeUsage, "bad value \"%d\" for -n", q.Limit).WithHint("allowed: a whole number from 1 to %d", maxRuns)
	}
	list := []api.Run{}
	if len(args) == 0 {
		found, err := c.Runs(ctx, q)
		return append(list, found...), err
	}
	ref, err := resolveRef(ctx, c, args[0])
	if err != nil {
		return nil, err
	}
	found, err := c.RunsOf(ctx, ref, q)
	return append(list, found...), err
}

func (a *app) printRuns(list []api.Run) {
	if len(list) == 0 {
		a.print("There are no such runs.")
		return
	}
	var rows [][]cell
	for _, r := range list {
		rows = append(rows, []cell{
			plain(r.ID), plain(subject(r)), tinted(statusColour(string(r.Outcome)), string(r.Outcome)),
			plain(a.relative(&r.StartedAt)), plain(explain.Took(r.DurationMs)), plain(strconv.Itoa(r.Attempt)), plain(string(r.Reason)),
			plain(strings.TrimPrefix(because(r), ": ")),
		})
	}
	a.table([]string{"RUN", "CHARM", "OUTCOME", "STARTED", "TOOK", "ATTEMPT", "REASON", "ERROR"}, rows)
}

// subject is what a run was of: a charm, or a maintenance task.
func subject(r api.Run) string {
	switch {
	case r.Task != "":
		return "maintenance " + string(r.Task)
	case r.Charm == "":
		return "(removed)"
	}
	return r.Charm
}

func (a *app) printRun(r api.Run) {
	a.rows([][]cell{{tinted(strong, subject(r)), tinted(statusColour(string(r.Outcome)), string(r.Outcome))}}, 0)
	a.fields(
		field{"  run", plain(r.ID)},
		field{"  job", plainf("%s, attempt %d, %s", r.Job, r.Attempt, r.Reason)},
		field{"  started", plain(a.moment(&r.StartedAt))},
		field{"  took", plain(took(r))},
		field{"  did", plain(did(r))},
		field{"  walls", plain(r.Walls)},
		field{"  code", plain(string(r.Code))},
		field{"  message", tinted(bad, firstLine(r.Error))},
		field{"  position", plain(r.Position)},
		field{"  handler", plain(r.Handler)},
		field{"  note", plain(r.Note)},
	)
	a.printLog(r.Log)
}

// took is how long a run was, and what one of a charm used.
func took(r api.Run) string {
	if r.Task != "" {
		return explain.Took(r.DurationMs)
	}
	return fmt.Sprintf("%s, %s of CPU, %s of memory", explain.Took(r.DurationMs), explain.Took(r.CPUMs), explain.Size(r.PeakBytes))
}

// did is what a run of a charm did; maintenance tells it line by line.
func did(r api.Run) string {
	if r.Task != "" {
		return ""
	}
	return fmt.Sprintf("%s changed, %s, %s", explain.Count(r.Changed, "document"), explain.Count(r.Requests, "request"), explain.Count(r.Conflicts, "conflict"))
}

// printLog prints console lines of a charm, indented.
func (a *app) printLog(log string) {
	for text := range strings.Lines(log) {
		a.print("  %s", observe.Text(strings.TrimSuffix(text, "\n")))
	}
}
