package cli

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/explain"
	"charmd/internal/observe"
)

func (a *app) spaceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "space",
		Short: "Look at spaces, carry them elsewhere, say who may use them",
		Args:  a.subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return charm.Errorf(charm.CodeUsage, "%s needs to be told what to do", cmd.CommandPath()).WithHint("%s --help lists what there is", cmd.CommandPath())
		},
	}
	cmd.AddCommand(
		a.spaceListCommand(), a.spaceShowCommand(), a.spaceExportCommand(), a.spaceImportCommand(), a.spaceGrantCommand(), a.spaceRevokeCommand(),
	)
	return cmd
}

const spaceArgument = "a space, by name or DID"

// onSpace makes a command's action of one that works on the space named by the
// first argument.
func (a *app) onSpace(do func(ctx context.Context, c *client.Client, space string, rest []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if unusable(args[0]) {
			return charm.Errorf(charm.CodeUsage, "%q is not the name of a space", args[0]).WithHint("charmd space list shows the spaces")
		}
		c, err := a.daemon(cmd)
		if err != nil {
			return err
		}
		return do(cmd.Context(), c, args[0], args[1:])
	}
}

func (a *app) spaceListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the spaces",
		Args:  nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			list, err := c.Spaces(cmd.Context())
			if err != nil {
				return err
			}
			list = append([]api.Space{}, list...) // null is no list
			return a.result(list, func() {
				var rows [][]cell
				for _, s := range list {
					rows = append(rows, []cell{
						plain(s.Name), plain(strconv.Itoa(s.CharmCount)), plain(strconv.FormatInt(s.Documents, 10)), plain(explain.Size(s.Bytes)), plain(s.DID),
					})
				}
				a.table([]string{"SPACE", "CHARMS", "DOCUMENTS", "SIZE", "DID"}, rows)
			})
		},
	}
}

func (a *app) spaceShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show SPACE",
		Short: "Show a space, its charms and who may use it",
		Args:  exactly(1, spaceArgument),
		RunE: a.onSpace(func(ctx context.Context, c *client.Client, space string, _ []string) error {
			s, err := c.Space(ctx, space)
			if err != nil {
				return err
			}
			return a.result(s, func() { a.printSpace(s) })
		}),
	}
}

func (a *app) printSpace(s api.Space) {
	a.rows([][]cell{{tinted(strong, spaceName(s)), plain(s.DID)}}, 0)
	a.fields(
		field{"  made", plain(a.moment(&s.CreatedAt))},
		field{"  holds", plainf("%s, %s", explain.Count(int(s.Documents), "document"), explain.Size(s.Bytes))},
		field{"  commits", plain(strconv.FormatInt(s.Commits, 10))},
		field{"  charms", plain(strings.Join(s.Charms, ", "))},
	)
	for _, who := range slices.Sorted(maps.Keys(s.Access)) {
		a.fields(field{"  access", plainf("%s: %s", who, s.Access[who])})
	}
}

func spaceName(s api.Space) string {
	if s.Name == "" {
		return s.DID
	}
	return s.Name
}

func (a *app) spaceExportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export SPACE [FILE]",
		Short: "Write a space to a file, or to standard output",
		Long: "Write a space to a file, or to standard output: its documents as they are now, its charms and their\n" +
			"recipes, as JSON lines. Superseded states, runs and who may use the space are not part of it.",
		Args: func(cmd *cobra.Command, args []string) error {
			return exactly(min(max(len(args), 1), 2), spaceArgument)(cmd, args)
		},
		RunE: a.onSpace(func(ctx context.Context, c *client.Client, space string, rest []string) error {
			if len(rest) == 0 || rest[0] == "-" {
				if a.json {
					return charm.Errorf(charm.CodeUsage, "--json needs a file to export to").WithHint("charmd space export %s FILE --json", space)
				}
				return c.Export(ctx, space, a.out)
			}
			file := rest[0]
			written, err := writeFile(file, func(w io.Writer) error { return c.Export(ctx, space, w) })
			if err != nil {
				return err
			}
			done := map[string]any{"space": space, "file": file, "bytes": written}
			return a.result(done, func() { a.print("%s is in %s, %s", observe.Line(space), observe.Line(file), explain.Size(written)) })
		}),
	}
}

// writeFile makes a file of what fn writes, or leaves what is there as it is when
// fn fails.
func writeFile(name string, fn func(io.Writer) error) (written int64, err error) {
	draft := name + ".part"
	f, err := os.OpenFile(draft, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, charm.Errorf(charm.CodeUsage, "%s cannot be written: %w", name, err)
	}
	if err = fn(f); err == nil {
		err = f.Sync()
	}
	if info, statErr := f.Stat(); statErr == nil {
		written = info.Size()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(draft, name)
	}
	if err != nil {
		return 0, errors.Join(err, os.Remove(draft))
	}
	return written, nil
}

func (a *app) spaceImportCommand() *cobra.Command {
	var space string
	var register bool
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Make a space of an exported one",
		Long: "Make a space of a file that charmd space export wrote; - is standard input. Every fact, recipe and charm in\n" +
			"it is checked, and all of it is written or nothing. The space must not be here yet. It keeps its DID, and its\n" +
			"name if the operator's key is the same; --space makes another one. Its charms are there and do not run by themselves, unless --register lets those run that did.",
		Args: exactly(1, "a file, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			from := a.in
			if args[0] != "-" {
				f, err := opened(args[0])
				if err != nil {
					return err
				}
				defer f.Close()
				from = f
			}
			done, err := c.Import(cmd.Context(), space, register, from)
			if err != nil {
				return err
			}
			return a.result(done, func() { a.printImported(done) })
		},
	}
	cmd.Flags().StringVar(&space, "space", "", "make the space under this `NAME` or DID, instead of its own")
	cmd.Flags().BoolVar(&register, "register", false, "run its charms in the background as they did, with the private hosts they might reach")
	return cmd
}

func (a *app) printImported(i api.Imported) {
	name := i.Name
	if name == "" {
		name = i.Space
	}
	a.print("Made the space %s: %s, %s, %s", plain(name).text, explain.Count(i.Facts, "fact"), explain.Count(i.Recipes, "recipe"), explain.Count(len(i.Charms), "charm"))
	for _, ref := range i.Charms {
		a.print("  %s", plain(ref).text)
	}
	if len(i.Charms) > 0 && !i.Registered {
		a.print("They do not run by themselves: charmd run SPACE/CHARM runs one now.")
	}
}

func (a *app) spaceGrantCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "grant SPACE DID read|write|owner",
		Short: "Give somebody a right in a space; * is everybody",
		Args:  exactly(3, "a space, a DID or *, and a right: read, write or owner"),
		RunE: a.onSpace(func(ctx context.Context, c *client.Client, space string, rest []string) error {
			s, err := c.Grant(ctx, space, rest[0], rest[1])
			if err != nil {
				return err
			}
			return a.result(s, func() { a.print("%s: %s in %s", rest[0], rest[1], observe.Line(spaceName(s))) })
		}),
	}
}

func (a *app) spaceRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke SPACE DID",
		Short: "Take the right that somebody was given in a space",
		Args:  exactly(2, "a space, and a DID or *"),
		RunE: a.onSpace(func(ctx context.Context, c *client.Client, space string, rest []string) error {
			s, err := c.Revoke(ctx, space, rest[0])
			if err != nil {
				return err
			}
			return a.result(s, func() { a.print("%s has no right in %s any more", rest[0], observe.Line(spaceName(s))) })
		}),
	}
}
