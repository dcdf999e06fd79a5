package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/observe"
	"charmd/internal/outlet"
)

func (a *app) publishCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "publish SPACE/CHARM",
		Short: "Make a secret link under which feed readers and calendars find a charm's items",
		Long: "Make a secret link under which feed readers (.atom), calendars (.ics) and programs (.json) find a\n" +
			"charm's items. Whoever has the link reads that cell, without a login, and nothing else. It is shown\n" +
			"this once; publishing again makes another and ends the one before.",
		Example: "  charmd publish feeds/news\n  charmd publish home/mail --cell recent",
		Args:    exactly(1, "a charm, as SPACE/CHARM"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			ref, err := resolveRef(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			var req api.PublishRequest
			if path != "" {
				req.Cell = strings.Split(strings.Trim(path, "/"), "/")
			}
			made, err := c.Publish(cmd.Context(), ref, req)
			if err != nil {
				return err
			}
			return a.result(made, func() {
				a.print("%s of %s, for whoever has one of these links:", observe.Line(strings.Join(made.Cell, "/")), observe.Line(args[0]))
				for _, format := range outlet.Formats {
					a.print("  %s", observe.Line(made.Links[format]))
				}
			})
		},
	}
	cmd.Flags().StringVar(&path, "cell", "", "`PATH` from its result of the list (default: where charms keep their items)")
	return cmd
}

func (a *app) unpublishCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "unpublish SPACE/CHARM",
		Short: "End a charm's secret link",
		Args:  exactly(1, "a charm, as SPACE/CHARM"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			ref, err := resolveRef(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if err := c.Unpublish(cmd.Context(), ref); err != nil {
				return err
			}
			return a.result(map[string]string{"unpublished": args[0]}, func() { a.print("the link of %s leads nowhere now", observe.Line(args[0])) })
		},
	}
}
