package cli

import (
	"strconv"
	"strings"

	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/observe"
)

func (a *app) jobsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "jobs",
		Short: "List the work that waits or runs",
		Long: "List the work that waits or runs, and each charm that is due next: when, why, the attempt it is and its\n" +
			"priority. One that has only its schedule's time is no job yet and has no id.",
		Args: a.subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			list, err := c.Jobs(cmd.Context())
			if err != nil {
				return err
			}
			list = append([]api.Job{}, list...) // null is no list
			return a.result(list, func() { a.printJobs(list) })
		},
	}
	cmd.AddCommand(a.cancelCommand(), a.retryCommand())
	return cmd
}

func (a *app) cancelCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "cancel JOB | SPACE/CHARM",
		Short: "End a job that waits or runs",
		Long: "End a job that waits or runs, by its id or the charm it is of. What a run that is ended\n" +
			"has done is not written. The charm goes on by its schedule.",
		Args: exactly(1, "a job's id, or a charm as SPACE/CHARM"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			var job api.Job
			if _, notID := ulid.ParseStrict(args[0]); notID == nil {
				job, err = c.CancelJob(cmd.Context(), args[0])
			} else {
				var ref client.Ref
				ref, err = resolveRef(cmd.Context(), c, args[0])
				if charm.CodeOf(err) == charm.CodeNotFound {
					return charm.Errorf(charm.CodeNotFound, "%q is neither the id of a job nor a charm", args[0]).
						WithHint("charmd jobs lists the jobs, charmd list the charms")
				}
				if err == nil {
					job, err = c.CancelJobOf(cmd.Context(), ref)
				}
			}
			if err != nil {
				return err
			}
			return a.result(job, func() { a.print("cancelled %s, which was %s", observe.Line(jobOf(job)), job.Status) })
		},
	}
}

func (a *app) retryCommand() *cobra.Command {
	var req api.RetryRequest
	var outcome string
	cmd := &cobra.Command{
		Use:   "retry [SPACE[/CHARM]]",
		Short: "Run all charms now whose last run did not end ok",
		Long: "Run all charms now whose last run did not end ok: those of a space, of an integration,\n" +
			"with an outcome, or all. A charm that its failures disabled is enabled again when this\n" +
			"run ends ok; one that a person disabled is left alone.",
		Example: "  charmd jobs retry\n" +
			"  charmd jobs retry --integration gmail --outcome remote --dry-run",
		Args: atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				req.Space, req.Charm, _ = strings.Cut(args[0], "/")
			}
			req.Outcome = charm.Outcome(outcome)
			done, err := c.Retry(cmd.Context(), req)
			if err != nil {
				return err
			}
			return a.result(done, func() { a.printRetried(done, req.DryRun) })
		},
	}
	cmd.Flags().StringVar(&req.Integration, "integration", "", "only charms of the integration `NAME`")
	cmd.Flags().StringVar(&outcome, "outcome", "", "only those whose last run had this `OUTCOME`, such as remote or timeout")
	cmd.Flags().BoolVar(&req.DryRun, "dry-run", false, "only say which they are")
	return cmd
}

func (a *app) printRetried(done api.Retried, dry bool) {
	verb := "runs now"
	if dry {
		verb = "would run now"
	}
	for _, ref := range done.Charms {
		a.print("%s %s", observe.Line(ref), verb)
	}
	if len(done.Charms) == 0 {
		a.print("No charm's last run went wrong, as far as was asked.")
	}
}

// jobOf names what a job is of.
func jobOf(j api.Job) string {
	if j.Type == charm.Maintenance {
		return "maintenance " + string(j.Task)
	}
	return j.Charm
}

func (a *app) printJobs(list []api.Job) {
	if len(list) == 0 {
		a.print("There is no work.")
		return
	}
	var rows [][]cell
	for _, j := range list {
		status := string(j.Status)
		if j.Paused {
			status = "paused"
		}
		rows = append(rows, []cell{
			plain(jobOf(j)), tinted(statusColour(status), status), plain(a.relative(&j.DueAt)),
			plain(string(j.Reason)), plain(strconv.Itoa(j.Attempt)), plain(strconv.Itoa(j.Priority)), plain(orDash(j.ID)),
		})
	}
	a.table([]string{"CHARM", "STATUS", "DUE", "REASON", "ATTEMPT", "PRIORITY", "JOB"}, rows)
}
