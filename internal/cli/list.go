package cli

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/client"
)

func (a *app) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list [SPACE[/CHARM]]",
		Short: "List the charms",
		Args:  atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			list, err := listed(cmd, c, args)
			if err != nil {
				return err
			}
			slices.SortFunc(list, func(x, y api.Charm) int {
				return cmp.Or(cmp.Compare(x.SpaceName, y.SpaceName), cmp.Compare(x.Space, y.Space), cmp.Compare(x.Name, y.Name))
			})
			return a.result(list, func() { a.printCharms(list) })
		},
	}
}

// listed are the charms that the argument leaves, never nil.
func listed(cmd *cobra.Command, c *client.Client, args []string) ([]api.Charm, error) {
	space, name := "", ""
	if len(args) == 1 {
		space, name, _ = strings.Cut(args[0], "/")
	}
	list, err := c.Charms(cmd.Context(), space)
	if err != nil || name == "" {
		return append([]api.Charm{}, list...), err
	}
	ref, err := among(list, name)
	if err != nil {
		return nil, err
	}
	return choose(list, func(c api.Charm) bool { return named(c) == ref }), nil
}

func (a *app) printCharms(list []api.Charm) {
	if len(list) == 0 {
		a.print("There are no charms. Make one: charmd new news --template rss, then charmd add news.tsx")
		return
	}
	var rows [][]cell
	for _, c := range list {
		failures := plain("0")
		if n := c.State.TotalFailures; n > 0 {
			failures = tinted(uneasy, strconv.FormatInt(n, 10))
		}
		rows = append(rows, []cell{
			plain(refOf(c)), tinted(statusColour(c.Status), c.Status), plain(c.Schedule),
			plain(orDash(a.relative(c.NextRun))), plain(orDash(a.relative(c.State.LastExecuted))),
			plain(strconv.FormatInt(c.State.TotalExecutions, 10)), failures, plain(c.Integration),
		})
	}
	a.table([]string{"CHARM", "STATUS", "SCHEDULE", "NEXT RUN", "LAST RUN", "RUNS", "FAILED", "INTEGRATION"}, rows)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
