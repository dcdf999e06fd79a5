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
	for _, task := range charm.Tasks() {
		cmd.AddCommand(a.taskCommand(task))
	}
	return cmd
}

// taskWords say what each task of maintenance does.
var taskWords = map[charm.Task]struct{ short, long string }{
	charm.Cleanup: {"Delete what is beyond its retention and give the room back, and wait for the end of it", ""},
	charm.Stats:   {"Tell how many runs there were, how long they took and how late they were", ""},
	charm.Reset: {"Let charms begin anew after failures",
		"Let charms begin anew: failures in a row are forgotten, charms that failures had disabled\n" +
			"are enabled, and claims that an earlier start of the service left behind are given back.\n" +
			"What a person disabled stays disabled. It says what it changed."},
	charm.All: {"Do cleanup and stats; not reset, which enables charms", ""},
}

func (a *app) taskCommand(task charm.Task) *cobra.Command {
	return &cobra.Command{
		Use:   string(task),
		Short: taskWords[task].short,
		Long:  taskWords[task].long,
		Args:  nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			reply, err := c.Maintenance(cmd.Context(), task, true)
			if err != nil {
				return err
			}
			return a.ranJob("maintenance "+string(task), reply)
		},
	}
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
	if r.Handler != "" {
		text += " in handler " + r.Handler
	}
	return text
}
