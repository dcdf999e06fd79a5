package cli

import (
	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/observe"
)

func (a *app) whyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "why [SPACE/CHARM]",
		Short: "Say why a charm, or the service, is as it is",
		Long: "Say in one sentence why a charm runs, waits, failed or is disabled, and what to do\n" +
			"next; without a charm, how the whole service is.",
		Args: atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				why, err := c.WhyService(cmd.Context())
				if err != nil {
					return err
				}
				return a.result(why, func() { a.printWhy(why) })
			}
			ref, err := resolveRef(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			why, err := c.Why(cmd.Context(), ref)
			if err != nil {
				return err
			}
			return a.result(why, func() { a.printWhy(why) })
		},
	}
}

func (a *app) printWhy(w api.Why) {
	a.print("%s.", observe.Line(w.Because))
	a.print("%s", observe.Line(w.Next))
}
