package cli

import (
	"context"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/client"
	"charmd/internal/observe"
)

func (a *app) enableCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "enable SPACE/CHARM",
		Short: "Let a charm run in the background again",
		Args:  exactly(1, charmArgument),
		RunE: a.onCharm(func(ctx context.Context, c *client.Client, ref client.Ref, _ []string) error {
			enabled, err := c.Enable(ctx, ref)
			if err != nil {
				return err
			}
			return a.result(enabled, func() { a.printChange("enabled", enabled) })
		}),
	}
}

func (a *app) disableCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "disable SPACE/CHARM",
		Short: "Keep a charm from running in the background",
		Args:  exactly(1, charmArgument),
		RunE: a.onCharm(func(ctx context.Context, c *client.Client, ref client.Ref, _ []string) error {
			disabled, err := c.Disable(ctx, ref, reason)
			if err != nil {
				return err
			}
			return a.result(disabled, func() { a.printChange("disabled", disabled) })
		}),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "a `TEXT` for those who wonder later why")
	return cmd
}

func (a *app) printChange(what string, c api.Charm) {
	text := what + " " + refOf(c)
	if next := a.relative(c.NextRun); next != "" {
		text += ", next run " + next
	}
	a.print("%s", observe.Line(text))
}

func (a *app) removeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "remove SPACE/CHARM",
		Short: "Remove a charm",
		Long:  "Remove a charm: it no longer runs and is no longer listed. The documents in its space stay.",
		Args:  exactly(1, charmArgument),
		RunE: a.onCharm(func(ctx context.Context, c *client.Client, ref client.Ref, _ []string) error {
			if err := c.Remove(ctx, ref); err != nil {
				return err
			}
			return a.result(map[string]string{"removed": ref.String()}, func() { a.print("removed %s", observe.Line(ref.String())) })
		}),
	}
}
