package cli

import (
	"github.com/spf13/cobra"

	"charmd/internal/charm"
	"charmd/internal/observe"
)

func (a *app) notifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notify",
		Short: "Try the notification hook",
		Args:  a.subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return charm.Errorf(charm.CodeUsage, "%s needs to be told what to do", cmd.CommandPath()).WithHint("%s --help lists what there is", cmd.CommandPath())
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "test",
		Short: "Give the hook a test notice, and say how it went",
		Args:  nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			took, err := c.TryHook(cmd.Context())
			if err != nil {
				return err
			}
			return a.result(took, func() {
				a.print("The %s has taken the test notice %s.", observe.Line(took.Hook), observe.Line(took.ID))
			})
		},
	})
	return cmd
}
