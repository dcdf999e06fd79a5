// Package cli is the command line. It exists to turn arguments into requests to
// the daemon and replies into text for people or JSON for programs; what the
// commands do is done behind the API. The whole of it runs in process: arguments,
// environment and streams are parameters of Main.
package cli

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/observe"
)

// Main runs the command line and returns the exit code; see the exit codes of
// package charm. Args are without the program's name, env is NAME=value.
func Main(args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return newApp(env, stdin, stdout, stderr).main(args)
}

// app is one run of the command line.
type app struct {
	env    []string
	in     io.Reader
	out    *output
	err    io.Writer
	now    func() time.Time
	open   opener
	notify notifier
	poll   func(context.Context) error // waits until logs --follow looks again
	browse func(file string) error     // shows a file in the person's browser

	starts  string // the command that starts the daemon that the last one went without; "" when there is one
	json    bool   // print one JSON value
	printed bool   // it has been printed
	ran     bool   // the command line was understood, and a command has begun
}

func newApp(env []string, stdin io.Reader, stdout, stderr io.Writer) *app {
	return &app{
		env: env, in: stdin, out: &output{w: stdout}, err: stderr,
		now: time.Now, open: openService, notify: notifySignals, poll: pollEverySecond, browse: startBrowser,
	}
}

func (a *app) main(args []string) int {
	root := a.root()
	root.SetArgs(slices.Clone(args))
	if args == nil {
		root.SetArgs([]string{})
	}
	err := root.ExecuteContext(context.Background())
	if err != nil && !a.ran {
		err = asUsage(err)
		// The flag may stand behind the one that was not understood.
		a.json = a.json || slices.Contains(args, "--json")
	}
	if err == nil {
		err = a.out.err
	}
	a.report(err)
	return charm.ExitCode(err)
}

// asUsage is an error of the command line's own parts.
func asUsage(err error) error {
	if _, ok := errors.AsType[*charm.Error](err); ok {
		return err
	}
	return charm.Errorf(charm.CodeUsage, "%w", err).WithHint("charmd --help lists the commands, charmd COMMAND --help its flags")
}

// report writes the error on one line and its hint on another; with --json it
// is also the one JSON value, unless there has been one.
func (a *app) report(err error) {
	if err == nil {
		return
	}
	problem := api.Problem{Code: charm.CodeOf(err), Message: err.Error()}
	if e, ok := errors.AsType[*charm.Error](err); ok {
		problem.Hint = e.Hint
		// What was wrapped around it says where; the message alone would lose that.
		if !strings.Contains(problem.Message, e.Message) {
			problem.Message = e.Message
		}
	}
	a.warn("charmd: %s", observe.Line(problem.Message))
	if problem.Hint != "" {
		a.warn("hint: %s", observe.Line(problem.Hint))
	}
	if a.json && !a.printed {
		_ = a.printJSON(map[string]api.Problem{"error": problem}) // the error is told already
	}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "charmd",
		Short: "Run charms in the background",
		Long: "charmd runs charms in the background: small programs, written as TSX recipes, whose\n" +
			"state lives in the cells of a space and which are updated on a schedule.",
		Version:           version(),
		Args:              a.subcommandOnly,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(flagError)
	root.SetVersionTemplate("{{.Version}}\n")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print one JSON value on standard output, all else on standard error")
	bindOptions(root.PersistentFlags(), everywhere...)
	root.PersistentPreRun = func(*cobra.Command, []string) { a.ran = true }
	root.AddCommand(
		a.startCommand(), a.toolshedCommand(), a.addAdminCharmCommand(), a.newCommand(), a.addCommand(),
		a.listCommand(), a.showCommand(), a.setCommand(), a.scheduleCommand(), a.configureCommand(), a.previewCommand(), a.runCommand(),
		a.enableCommand(), a.disableCommand(), a.pauseCommand(), a.resumeCommand(), a.removeCommand(),
		a.logsCommand(), a.watchCommand(), a.runsCommand(), a.undoCommand(), a.replayCommand(), a.testCommand(), a.updateCommand(), a.spaceCommand(), a.errorsCommand(), a.jobsCommand(), a.hostsCommand(), a.contactsCommand(),
		a.connectCommand(), a.connectionsCommand(), a.secretCommand(), a.publishCommand(), a.unpublishCommand(),
		a.maintenanceCommand(), a.openCommand(), a.browsersCommand(), a.statusCommand(), a.whyCommand(), a.doctorCommand(), a.notifyCommand(), a.versionCommand(),
		exitCodesTopic(), configurationTopic(),
	)
	group(root)
	a.completeArguments(root)
	return root
}

// group puts the commands under headings in the help.
func group(root *cobra.Command) {
	for i, g := range []struct{ title, names string }{
		{"Charms:", "new test add list show set schedule configure preview run pause resume enable disable update remove publish unpublish"},
		{"What happened, and why:", "why runs logs errors jobs watch replay undo"},
		{"Spaces, accounts, secrets and hosts:", "space connect connections secret hosts contacts"},
		{"The service:", "start toolshed status doctor open browsers maintenance notify add-admin-charm version"},
	} {
		id := string(rune('a' + i))
		root.AddGroup(&cobra.Group{ID: id, Title: g.title})
		for _, cmd := range root.Commands() {
			if slices.Contains(strings.Fields(g.names), cmd.Name()) {
				cmd.GroupID = id
			}
		}
		root.SetHelpCommandGroupID(id)
	}
}

// subcommandOnly refuses arguments of a command that takes no others than the names of
// commands below it.
func (a *app) subcommandOnly(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2 // letters that may be wrong
	e := charm.Errorf(charm.CodeUsage, "there is no command %q", cmd.CommandPath()+" "+args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return e.WithHint("did you mean: %s %s", cmd.CommandPath(), near[0])
	}
	return e.WithHint("%s --help lists the commands", cmd.CommandPath())
}
