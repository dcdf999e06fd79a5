package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/explain"
)

const defaultLogs = 10

// followed is how many runs logs --follow looks at each time, so how many may
// end between two looks without one being missed.
const followed = 100

func (a *app) logsCommand() *cobra.Command {
	var (
		limit  int
		id     string
		follow bool
	)
	cmd := &cobra.Command{
		Use:   "logs [SPACE/CHARM]",
		Short: "Print what charms logged in their last runs",
		Args:  atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			if follow && (a.json || id != "") {
				return charm.Errorf(charm.CodeUsage, "--follow goes neither with --json nor with --run")
			}
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			if id != "" {
				run, err := c.RunRecord(cmd.Context(), id)
				if err != nil {
					return err
				}
				return a.result([]api.Run{run}, func() { a.printLogs([]api.Run{run}) })
			}
			list, err := lastRuns(cmd.Context(), c, args, client.Query{Limit: limit, Logs: true})
			if err != nil {
				return err
			}
			slices.Reverse(list) // as they happened
			if err := a.result(list, func() { a.printLogs(list) }); err != nil || !follow {
				return err
			}
			return a.follow(cmd.Context(), c, args, list)
		},
	}
	flags := cmd.Flags()
	flags.IntVarP(&limit, "limit", "n", defaultLogs, "of the last `N` runs")
	flags.StringVar(&id, "run", "", "of the run with this `ID`")
	flags.BoolVarP(&follow, "follow", "f", false, "go on with the runs to come, until interrupted; not with --json")
	return cmd
}

// follow prints the runs that end from now on. Runs begin and end in different
// orders, so what counts is which ones have been seen.
func (a *app) follow(ctx context.Context, c *client.Client, args []string, printed []api.Run) error {
	list, err := lastRuns(ctx, c, args, client.Query{Limit: followed})
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	remember := func(runs []api.Run) {
		for _, r := range runs {
			seen[r.ID] = true
		}
	}
	if len(printed) > 0 {
		// Runs older than what was printed are not news.
		list = slices.DeleteFunc(list, func(r api.Run) bool { return r.ID > printed[len(printed)-1].ID })
	}
	remember(list)
	remember(printed)
	for {
		if err := a.poll(ctx); err != nil {
			return err
		}
		list, err := lastRuns(ctx, c, args, client.Query{Limit: followed, Logs: true})
		if err != nil {
			return err
		}
		slices.Reverse(list)
		a.printLogs(slices.DeleteFunc(slices.Clone(list), func(r api.Run) bool { return seen[r.ID] }))
		clear(seen)
		remember(list)
	}
}

func pollEverySecond(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Second):
		return nil
	}
}

func (a *app) printLogs(list []api.Run) {
	for _, r := range list {
		row := []cell{
			tinted(faint, r.StartedAt.Local().Format(time.DateTime)), tinted(strong, subject(r)),
			tinted(statusColour(string(r.Outcome)), string(r.Outcome)), plain(explain.Took(r.DurationMs)), tinted(faint, r.ID),
		}
		a.rows([][]cell{row}, 0)
		a.printLog(r.Log)
		if text := because(r); text != "" {
			a.rows([][]cell{{tinted(bad, "  "+strings.TrimPrefix(text, ": "))}}, 0)
		}
	}
}
