package cli

import (
	"bufio"
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/explain"
	"charmd/internal/observe"
)

// updateFlags are the flags of update as they were typed.
type updateFlags struct {
	back, dryRun, yes bool
	moves             []string
}

func (a *app) updateCommand() *cobra.Command {
	var f updateFlags
	cmd := &cobra.Command{
		Use:   "update SPACE/CHARM FILE.tsx",
		Short: "Give a charm another recipe, and keep its state",
		Long: "Give a charm another recipe. Its argument stays, and its own cells keep what they hold by their names:\n" +
			"the keys of the recipe's result. Cells without a name are told apart by their order and by what they\n" +
			"begin with. What moves to another name or is dropped is shown first, and needs --yes or an answer. It is\n" +
			"one transaction; a charm that could not run at all before is tried once.\n\n" +
			"--back gives it the recipe before and its documents as they were then, as far as they are kept: what\n" +
			"runs have changed since is lost.",
		Example: "  charmd update feeds/news news.tsx --dry-run\n" +
			"  charmd update feeds/news news.tsx\n" +
			"  charmd update feeds/news news.tsx --move items=articles --yes\n" +
			"  charmd update feeds/news --back",
		Args: func(cmd *cobra.Command, args []string) error {
			if f.back {
				return exactly(1, charmArgument)(cmd, args)
			}
			return exactly(2, charmArgument+", and the recipe's file or --back")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			req, from, err := updateRequest(args[1:], f)
			if err != nil {
				return err
			}
			ref, err := resolveRef(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			return from.explain(a.update(cmd.Context(), c, ref, req, f))
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.back, "back", false, "go back to the recipe before the last update")
	flags.BoolVar(&f.dryRun, "dry-run", false, "only show what it would do")
	flags.BoolVar(&f.yes, "yes", false, "do it also when state moves or is lost")
	flags.StringArrayVar(&f.moves, "move", nil, "carry a cell over to another name, `OLD=NEW`; may be repeated")
	return cmd
}

func updateRequest(file []string, f updateFlags) (req api.UpdateRequest, from sources, err error) {
	req.Back = f.back
	for _, move := range f.moves {
		was, name, ok := strings.Cut(move, "=")
		if !ok || was == "" || name == "" {
			return req, from, charm.Errorf(charm.CodeUsage, "bad value %q for --move", move).WithHint("allowed: OLD=NEW, the names of a cell before and after")
		}
		if req.Moves == nil {
			req.Moves = map[string]string{}
		}
		req.Moves[was] = name
	}
	if f.back {
		return req, from, nil
	}
	from, err = readRecipe(file[0])
	req.Entry, req.Files = from.entry, from.files
	return req, from, err
}

// update shows what the update does and does it, if it may.
func (a *app) update(ctx context.Context, c *client.Client, ref client.Ref, req api.UpdateRequest, f updateFlags) error {
	req.DryRun = true
	plan, err := c.Update(ctx, ref, req)
	if err != nil {
		return err
	}
	if f.dryRun || plan.Before == plan.After {
		return a.result(plan, func() { a.printUpdated(plan) })
	}
	asked := false
	if !f.yes && risky(plan) {
		if asked, err = a.consent(plan); err != nil {
			return err
		}
	}
	req.DryRun, req.From = false, plan.Before
	done, err := c.Update(ctx, ref, req)
	if err != nil {
		return err
	}
	return a.result(done, func() {
		if !asked {
			a.printUpdated(done)
		}
		a.print("done, by commit %d", done.Commit)
		if !done.Back {
			a.print("next:\n  charmd run %s --wait\n  charmd update %s --back", observe.Line(done.Charm), observe.Line(done.Charm))
		}
	})
}

// risky reports whether a person should have seen the plan.
func risky(u api.Updated) bool {
	return u.Loses || slices.ContainsFunc(u.Cells, func(c api.UpdatedCell) bool { return c.Fate == api.CellMoved })
}

// consent shows the plan and asks at a terminal whether to go on. Without one it
// is refused.
func (a *app) consent(plan api.Updated) (bool, error) {
	refused := charm.Errorf(charm.CodeConflict, "%s is not updated: state would move or be lost", plan.Charm).
		WithHint("--dry-run shows what, --yes does it all the same, --move OLD=NEW keeps what a renamed cell holds")
	if _, ok := terminal(a.in); !ok || a.json {
		return false, refused
	}
	a.printUpdated(plan)
	a.print("Go on? [y/N]")
	answer, _ := bufio.NewReader(a.in).ReadString('\n') // none is a no
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return true, refused
	}
	return true, nil
}

// fates are the colours of what becomes of cells.
var fates = map[string]colour{api.CellKept: faint, api.CellMoved: uneasy, api.CellNew: good, api.CellDropped: bad}

func (a *app) printUpdated(u api.Updated) {
	if u.Before == u.After {
		a.print("%s has this recipe already", observe.Line(u.Charm))
		return
	}
	a.rows([][]cell{{tinted(strong, u.Charm), plain(u.File)}}, 0)
	a.fields(field{"  before", plain(u.Before)}, field{"  after", plain(u.After)})
	var rows [][]cell
	for _, c := range u.Cells {
		name := c.Name
		if c.Was != "" {
			name = c.Was + " → " + c.Name
		}
		rows = append(rows, []cell{plain("  " + name), tinted(fates[c.Fate], c.Fate), tinted(faint, shown([]byte(c.Value)))})
	}
	a.rows(rows, 0)
	if u.Back {
		if u.Runs > 0 {
			a.print("  what %s since changed is taken back", explain.Count(u.Runs, "run"))
		}
		a.printDocuments(u.Documents)
	}
	if u.Forgotten > 0 {
		a.print("  %s as now: what it was before is not kept any more", stay(u.Forgotten))
	}
}

func stay(n int) string {
	if n == 1 {
		return "1 document stays"
	}
	return explain.Count(n, "document") + " stay"
}
