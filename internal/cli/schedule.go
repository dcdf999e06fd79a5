package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/schedule"
)

// scheduleFlags are the flags that say when a charm runs.
func scheduleFlags(flags *pflag.FlagSet, every, cron, zone *string) {
	flags.StringVar(every, "every", "", "how often it runs, a `DURATION` of at least 1s (default: the service's interval)")
	flags.StringVar(cron, "cron", "", "when it runs, an `EXPRESSION`: minute hour day-of-month month day-of-week, or @daily and the like")
	flags.StringVar(zone, "zone", "", "the time `ZONE` of --cron, like Europe/Berlin (default: the service's)")
}

func (a *app) scheduleCommand() *cobra.Command {
	var req api.ScheduleRequest
	cmd := &cobra.Command{
		Use:   "schedule SPACE/CHARM (--every DURATION | --cron EXPRESSION)",
		Short: "Change when a charm runs",
		Long:  "Change when a charm runs. It counts at once; a run in flight goes on.",
		Example: "  charmd schedule home/news --every 5m\n" +
			"  charmd schedule home/report --cron '0 9 * * mon-fri' --zone Europe/Berlin\n" +
			"  charmd schedule home/report --cron 'CRON_TZ=Europe/Berlin 0 9 * * mon-fri'",
		Args: exactly(1, charmArgument),
	}
	do := a.onCharm(func(ctx context.Context, c *client.Client, ref client.Ref, _ []string) error {
		p, err := c.Schedule(ctx, ref, req)
		if err != nil {
			return err
		}
		return a.result(p, func() { a.printPreview(p, 3) })
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if req.Every == "" && req.Cron == "" {
			return charm.Errorf(charm.CodeUsage, "%s needs --every or --cron", cmd.CommandPath()).
				WithHint("charmd preview %s shows when it runs now", args[0])
		}
		if _, err := schedule.Read(req.Every, req.Cron, req.Zone); err != nil {
			return err
		}
		return do(cmd, args)
	}
	scheduleFlags(cmd.Flags(), &req.Every, &req.Cron, &req.Zone)
	return cmd
}

const maxPreview = 1000 // that the daemon works out at once

func (a *app) previewCommand() *cobra.Command {
	var n int
	cmd := &cobra.Command{
		Use:   "preview SPACE/CHARM",
		Short: "Show when a charm runs next",
		Long: "Show when a charm runs next: the exact times, in the zone of its schedule.\n" +
			"A run that takes longer than until the next time skips that one.",
		Args: exactly(1, charmArgument),
	}
	do := a.onCharm(func(ctx context.Context, c *client.Client, ref client.Ref, _ []string) error {
		p, err := c.Preview(ctx, ref, n)
		if err != nil {
			return err
		}
		return a.result(p, func() { a.printPreview(p, n) })
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if n < 1 || n > maxPreview {
			return charm.Errorf(charm.CodeUsage, "bad value \"%d\" for -n", n).WithHint("allowed: a whole number from 1 to %d", maxPreview)
		}
		return do(cmd, args)
	}
	cmd.Flags().IntVarP(&n, "limit", "n", 10, "show the next `N` times")
	return cmd
}

// printPreview prints at most n times.
func (a *app) printPreview(p api.Preview, n int) {
	a.rows([][]cell{{tinted(strong, p.Charm), plain(p.Schedule)}}, 0)
	a.fields(field{"  that is", plain(p.Means)}, field{"  zone", plain(p.Zone)}, field{"  does not run", tinted(uneasy, p.Reason)})
	if len(p.Times) == 0 {
		return
	}
	if p.Reason == "" {
		a.print("next runs")
	} else {
		a.print("else it would run")
	}
	var rows [][]cell
	for _, t := range p.Times[:min(n, len(p.Times))] {
		rows = append(rows, []cell{plain("  " + t.Format("Mon 2006-01-02 15:04:05 -07:00")), tinted(faint, a.relative(&t))})
	}
	a.rows(rows, 0)
}
