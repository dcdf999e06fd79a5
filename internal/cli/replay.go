package cli

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/explain"
	"charmd/internal/observe"
	"charmd/internal/recipe"
	"charmd/internal/wire"
)

func (a *app) replayCommand() *cobra.Command {
	var with string
	cmd := &cobra.Command{
		Use:   "replay RUN",
		Short: "Make a run again from its record, and write nothing",
		Long: "Make a run again in a worker process: with the documents, event, clock and random numbers that it had,\n" +
			"and the replies it got. Nothing is asked of the network and nothing is written. It says \"same\" when the\n" +
			"run does again what it did, else what differs. --with runs a changed recipe in its place.\n\n" +
			"The last runs of each charm can be made again, as many as CHARMD_KEEP_REPLAYS says, unless documents\n" +
			"they read are not kept any more as they were. What may be a secret is not in the record.",
		Example: "  charmd replay 01JQ0000000000000000000002\n" +
			"  charmd replay 01JQ0000000000000000000002 --with news.tsx",
		Args: exactly(1, "the id of a run"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.replay(cmd, args[0], with) },
	}
	cmd.Flags().StringVar(&with, "with", "", "run this recipe, a `FILE.tsx`, in place of the one that ran")
	return cmd
}

func (a *app) replay(cmd *cobra.Command, run, with string) error {
	if !runID.MatchString(run) {
		return charm.Errorf(charm.CodeUsage, "%q is not the id of a run", run).WithHint("charmd runs lists them")
	}
	var req api.ReplayRequest
	var from sources
	if with != "" {
		var err error
		if from, err = readRecipe(with); err != nil {
			return err
		}
		req.Entry, req.Files = from.entry, from.files
	}
	c, err := a.daemon(cmd)
	if err != nil {
		return err
	}
	r, err := c.Replay(cmd.Context(), run, req)
	if err != nil {
		return from.explain(err)
	}
	if err := a.result(r, func() { a.printReplayed(r) }); err != nil {
		return err
	}
	switch {
	case with != "" && r.Outcome != charm.OK:
		return charm.Errorf(charm.CodeRunFailed, "with %s, run %s ends with outcome %s%s", r.With, run, r.Outcome, because(api.Run{Error: r.Error, Position: r.Position, Handler: r.Handler}))
	case with == "" && !r.Same:
		return charm.Errorf(charm.CodeDiffers, "run %s does not do again what it did", run)
	}
	return nil
}

// readRecipe reads a recipe with what it imports, and checks what can be without
// compiling it.
func readRecipe(file string) (sources, error) {
	s, err := collect(file)
	if err != nil {
		return s, err
	}
	return s, recipe.Check(wire.CompileRequest{Entry: s.entry, Files: s.files})
}

func (a *app) printReplayed(r api.Replayed) {
	verdict := tinted(good, "same")
	if !r.Same {
		verdict = tinted(uneasy, "different")
	}
	a.rows([][]cell{{tinted(strong, r.Charm), plain(r.Run), tinted(statusColour(string(r.Outcome)), string(r.Outcome)), verdict}}, 0)
	a.fields(
		field{"  with", plain(r.With)},
		field{"  message", tinted(bad, firstLine(r.Error))},
		field{"  position", plain(r.Position)},
		field{"  handler", plain(r.Handler)},
	)
	a.printAsked(r.Requests)
	a.printLog(r.Log)
	if len(r.Documents) > 0 {
		a.print("it changes:")
	}
	a.printDocuments(r.Documents)
	for _, d := range r.Differs {
		if d.What == "log" {
			a.print("the log is not the same; before it was:")
			a.printLog(d.Was)
			continue
		}
		a.rows([][]cell{{plain("the " + d.What + " is not the same:"), tinted(faint, orNone(d.Was)), plain("→"), plain(orNone(d.Is))}}, 0)
	}
	if len(r.Differences) > 0 {
		a.print("the run wrote → this writes:")
	}
	a.printDocuments(r.Differences)
	if r.Redacted > 0 {
		a.print("%s what was taken out of the record, and could not be compared", places(r.Redacted))
	}
	if r.Forgotten > 0 {
		a.print("what the run wrote is not kept any more of %s, and could not be compared", explain.Count(r.Forgotten, "document"))
	}
}

func places(n int) string {
	if n == 1 {
		return "1 place holds"
	}
	return strconv.Itoa(n) + " places hold"
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return firstLine(text)
}

// printAsked prints the requests of a run, indented.
func (a *app) printAsked(list []api.Asked) {
	for _, r := range list {
		came := strconv.Itoa(r.Status)
		if r.Error != "" {
			came = r.Error
		}
		a.print("  %s %s  →  %s", observe.Line(strings.ToUpper(r.Method)), observe.Line(r.URL), observe.Line(came))
	}
}
