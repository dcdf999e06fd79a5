package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/client"
)

func (a *app) errorsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "errors [SPACE/CHARM]",
		Short: "List the errors that charms have met, and how often",
		Long: "List the different errors that a charm, or any charm, has met: when each was first and\n" +
			"last seen, and how often. Errors of one place in a recipe are one, and so are messages\n" +
			"that differ in numbers, ids and quoted parts alone. They are forgotten when they have\n" +
			"not been seen for 30 days.",
		Args: atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			list, err := troubles(cmd.Context(), c, args)
			if err != nil {
				return err
			}
			return a.result(list, func() { a.printErrors(list) })
		},
	}
}

// troubles lists the errors of the charm named by the argument, or of all; never
// nil.
func troubles(ctx context.Context, c *client.Client, args []string) ([]api.Trouble, error) {
	list := []api.Trouble{}
	if len(args) == 0 {
		found, err := c.Problems(ctx)
		return append(list, found...), err
	}
	ref, err := resolveRef(ctx, c, args[0])
	if err != nil {
		return nil, err
	}
	found, err := c.ProblemsOf(ctx, ref)
	return append(list, found...), err
}

func (a *app) printErrors(list []api.Trouble) {
	if len(list) == 0 {
		a.print("No errors have been met.")
		return
	}
	var rows [][]cell
	for _, t := range list {
		rows = append(rows, []cell{
			plain(t.Charm), tinted(statusColour(string(t.Outcome)), string(t.Outcome)), plain(a.relative(&t.LastSeen)), plain(a.relative(&t.FirstSeen)),
			plain(strconv.FormatInt(t.Times, 10)), plain(orDash(t.Position)), plain(firstLine(t.Message)),
		})
	}
	a.table([]string{"CHARM", "OUTCOME", "LAST", "FIRST", "TIMES", "POSITION", "ERROR"}, rows)
}
