package cli

import (
	"github.com/spf13/cobra"

	"charmd/internal/api"
)

func (a *app) contactsCommand() *cobra.Command {
	var asked bool
	cmd := &cobra.Command{
		Use:   "contacts",
		Short: "List the hosts that charms ask, and which of them wait for your word",
		Long: "List the hosts that charms have asked, or want to ask and may not yet (start --consent ask).\n" +
			"docs/fetching.md has the rules.",
		Args: a.subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			list, err := c.Contacts(cmd.Context())
			if err != nil {
				return err
			}
			shown := []api.Contact{}
			for _, contact := range list {
				if !asked || contact.State == "asked" {
					shown = append(shown, contact)
				}
			}
			return a.result(shown, func() { a.printContacts(shown) })
		},
	}
	cmd.Flags().BoolVar(&asked, "asked", false, "only those that wait for your word")
	cmd.AddCommand(a.allowContactCommand())
	return cmd
}

func (a *app) allowContactCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "allow SPACE/CHARM HOST[:PORT]",
		Short: "Let a charm ask a host from its next request on",
		Args:  exactly(2, "a charm and a host, as SPACE/CHARM and HOST or HOST:PORT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			ref, err := resolveRef(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if err := c.AllowContact(cmd.Context(), ref, args[1]); err != nil {
				return err
			}
			return a.result(map[string]string{"charm": args[0], "host": args[1]}, func() { a.print("%s may ask %s", args[0], args[1]) })
		},
	}
}

func (a *app) printContacts(list []api.Contact) {
	if len(list) == 0 {
		a.print("There are none.")
		return
	}
	var rows [][]cell
	for _, c := range list {
		tint := normal
		if c.State == "asked" {
			tint = uneasy
		}
		rows = append(rows, []cell{plain(c.Charm), plain(c.Host), tinted(tint, c.State), plain(a.relative(&c.Since))})
	}
	a.table([]string{"CHARM", "HOST", "STATE", "SINCE"}, rows)
}
