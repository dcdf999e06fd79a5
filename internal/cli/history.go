package cli

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/explain"
)

// runChanges is runs ID --changes.
func (a *app) runChanges(ctx context.Context, c *client.Client, args []string) error {
	if len(args) == 0 || !runID.MatchString(args[0]) {
		return charm.Errorf(charm.CodeUsage, "--changes needs the id of a run").WithHint("charmd runs lists them")
	}
	changes, err := c.Changes(ctx, args[0])
	if err != nil {
		return err
	}
	return a.result(changes, func() { a.printChanges(changes) })
}

// mostShown is how much of a changed value people are shown, characters.
const mostShown = 60

func (a *app) printChanges(c api.Changes) {
	a.rows([][]cell{{tinted(strong, c.Charm), plain(c.Run)}}, 0)
	if len(c.Documents) == 0 && c.Forgotten == 0 {
		a.print("It changed nothing.")
	}
	a.printDocuments(c.Documents)
	if c.Forgotten > 0 {
		a.print("  %s besides: what it wrote has been changed since and is not kept any more", explain.Count(c.Forgotten, "document"))
	}
}

// printDocuments prints how documents change.
func (a *app) printDocuments(list []api.ChangedDocument) {
	for _, d := range list {
		a.rows([][]cell{{plain("  " + documentName(d.Name, d.ID)), tinted(uneasy, documentNotes(d))}}, 0)
		var rows [][]cell
		for _, e := range d.Changes {
			rows = append(rows, []cell{
				plain("    " + strings.Join(e.Path, "/")), tinted(faint, shown(e.Before)), plain("→"), plain(shown(e.After)),
			})
		}
		a.rows(rows, 0)
		if d.More {
			a.print("    and more")
		}
	}
}

// documentName is what people call a document: where it is linked, or its id.
func documentName(name, id string) string {
	if name == "" {
		return id
	}
	return name
}

func documentNotes(d api.ChangedDocument) string {
	var notes []string
	if d.Created {
		notes = append(notes, "new")
	}
	if d.Forgotten {
		notes = append(notes, "what it was before is not kept any more")
	}
	if d.Changed {
		notes = append(notes, "changed again since")
	}
	return strings.Join(notes, ", ")
}

// shown is a value for people; nothing is a dash.
func shown(v json.RawMessage) string {
	if v == nil {
		return "–"
	}
	return cut(string(v), mostShown)
}

func (a *app) undoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "undo RUN",
		Short: "Make documents what they were before a run",
		Long: "Make the documents that a run changed what they were before it, in one transaction. Documents that it\n" +
			"made are removed. It is refused when one of them has been changed since, also by a later run of the same\n" +
			"charm, or when what it was is not kept any more. The charm goes on running: disable it first if its next\n" +
			"run would do the same again. Requests that the run made to others cannot be undone.",
		Args: exactly(1, "the id of a run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !runID.MatchString(args[0]) {
				return charm.Errorf(charm.CodeUsage, "%q is not the id of a run", args[0]).WithHint("charmd runs lists them")
			}
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			done, err := c.Undo(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.result(done, func() { a.printUndone(done) })
		},
	}
}

func (a *app) printUndone(u api.Undone) {
	a.print("Run %s of %s is undone, by commit %d:", u.Run, plain(u.Charm).text, u.Commit)
	for _, d := range u.Documents {
		what := "as it was before"
		if d.Removed {
			what = "removed; the run had made it"
		}
		a.rows([][]cell{{plain("  " + documentName(d.Name, d.ID)), plain(what)}}, 0)
	}
}
