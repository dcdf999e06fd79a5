package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/observe"
)

func (a *app) runCommand() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:   "run SPACE/CHARM",
		Short: "Run a charm once, now",
		Long: "Run a charm once, now, even when it is disabled or not registered. A run that is\n" +
			"pending is pulled forward; one that is running gets one follow-up.",
		Args: exactly(1, charmArgument),
		RunE: a.onCharm(func(ctx context.Context, c *client.Client, ref client.Ref, _ []string) error {
			reply, err := c.Run(ctx, ref, wait)
			if err != nil {
				return err
			}
			return a.ranJob(ref.String(), reply)
		}),
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait for this one attempt; exit code 6 when it does not end ok")
	return cmd
}

func (a *app) maintenanceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "maintenance",
		Short: "Run a maintenance task",
		Args:  a.subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return charm.Errorf(charm.CodeUsage, "%s needs a task", cmd.CommandPath()).WithHint("%s --help lists the tasks", cmd.CommandPath())
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use:   string(charm.Cleanup),
		Short: "Delete history beyond its retention, and wait for the end of it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			reply, err := c.Maintenance(cmd.Context(), charm.Cleanup, true)
			if err != nil {
				return err
			}
			return a.ranJob("maintenance "+string(charm.Cleanup), reply)
		},
	})
	return cmd
}

// ranJob prints the reply to a request for a run. The error is one of code
// run_failed when the run was waited for and did not end ok.
func (a *app) ranJob(what string, reply api.RunReply) error {
	if reply.Charm != "" {
		what = reply.Charm
	}
	what = observe.Line(what)
	run := reply.Run
	err := a.result(reply, func() {
		if run == nil {
			a.print("%s runs as soon as a worker is free (job %s)", what, observe.Line(reply.Job))
			return
		}
		a.printRun(*run)
	})
	if err != nil || run == nil || run.Outcome == charm.OK {
		return err
	}
	e := charm.Errorf(charm.CodeRunFailed, "%s ended with outcome %s%s", what, run.Outcome, because(*run))
	return e.WithHint("charmd logs --run %s shows its log", run.ID)
}

func because(r api.Run) string {
	text := ""
	if r.Error != "" {
		text = ": " + firstLine(r.Error)
	}
	if r.Position != "" {
		text += fmt.Sprintf(" (%s)", r.Position)
	}
	return text
}
