package cli

import (
	"strconv"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/charm"
)

func (a *app) jobsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "jobs",
		Short: "List the work that waits or runs",
		Args:  cobra.NoArgs,
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
}

func (a *app) printJobs(list []api.Job) {
	if len(list) == 0 {
		a.print("There is no work.")
		return
	}
	var rows [][]cell
	for _, j := range list {
		what := j.Charm
		if j.Type == charm.Maintenance {
			what = "maintenance " + string(j.Task)
		}
		rows = append(rows, []cell{
			plain(what), tinted(statusColour(string(j.Status)), string(j.Status)), plain(a.relative(&j.DueAt)),
			plain(string(j.Reason)), plain(strconv.Itoa(j.Attempt)), plain(strconv.Itoa(j.Priority)), plain(orDash(j.ID)),
		})
	}
	a.table([]string{"CHARM", "STATUS", "DUE", "REASON", "ATTEMPT", "PRIORITY", "JOB"}, rows)
}
