package cli

import (
	"strconv"

	"github.com/spf13/cobra"

	"charmd/internal/api"
)

func (a *app) hostsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "hosts",
		Short: "List the hosts that are not asked for a while",
		Long: "List the hosts that are not asked for a while: they asked for that, or failed too often. What a charm\n" +
			"fetches from them fails at once, and its run is tried again when the time has come. docs/fetching.md\n" +
			"has the rules.",
		Args: a.subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			list, err := c.Hosts(cmd.Context())
			if err != nil {
				return err
			}
			list = append([]api.Host{}, list...) // null is no list
			return a.result(list, func() { a.printHosts(list) })
		},
	}
	cmd.AddCommand(a.resetHostCommand())
	return cmd
}

func (a *app) resetHostCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reset HOST[:PORT]",
		Short: "Let a host be asked again at once",
		Args:  exactly(1, "a host, as HOST:PORT, or HOST for all its ports"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			if err := c.ResetHost(cmd.Context(), args[0]); err != nil {
				return err
			}
			return a.result(map[string]string{"host": args[0]}, func() { a.print("%s may be asked again", args[0]) })
		},
	}
}

func (a *app) printHosts(list []api.Host) {
	if len(list) == 0 {
		a.print("Every host may be asked.")
		return
	}
	var rows [][]cell
	for _, h := range list {
		who := h.For
		if who == "" {
			who = "everybody"
		}
		tint := uneasy
		if h.State == "half-open" {
			tint = normal
		}
		rows = append(rows, []cell{
			plain(h.Host), plain(who), tinted(tint, h.State), plain(a.relative(&h.Until)),
			plain(strconv.Itoa(h.Failures)), plain(a.relative(&h.Since)), plain(h.Reason),
		})
	}
	a.table([]string{"HOST", "HELD OFF FROM", "STATE", "ASKED AGAIN", "FAILURES", "SINCE", "REASON"}, rows)
}
