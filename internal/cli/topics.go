package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"charmd/internal/charm"
	"charmd/internal/config"
)

// exitCodes is what the exit codes mean.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{charm.ExitOK, "all went well"},
	{charm.ExitFailure, "something went wrong inside; of charmd doctor: it found problems"},
	{charm.ExitUsage, "a bad command, flag, argument or configuration value"},
	{charm.ExitNotFound, "there is no such charm, space or run"},
	{charm.ExitRefused, "the input is not acceptable: it does not compile, is too large, conflicts, or is not allowed"},
	{charm.ExitUnavailable, "no charmd is running, or it cannot work now"},
	{charm.ExitRunFailed, "a run that was waited for, tried or made again did not end ok, or not as it had"},
	{charm.ExitAddress, "the address to listen on is taken"},
	{charm.ExitLocked, "another charmd owns the data directory"},
	{charm.ExitData, "the data directory or its database cannot be used"},
	{charm.ExitSandbox, "a wall around charms is down, and --require-sandbox asks for all"},
}

const errorForm = "An error is one line on standard error, with a hint on the next line where there is one.\n" +
	"With --json standard output then holds {\"error\":{\"code\",\"message\",\"hint\"}}, unless the\n" +
	"command has printed its result."

// exitCodesTopic is `charmd help exit-codes`.
func exitCodesTopic() *cobra.Command {
	var b strings.Builder
	b.WriteString("Exit codes of charmd:\n\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "  %d  %s\n", e.code, e.meaning)
	}
	b.WriteString("\n" + errorForm)
	return &cobra.Command{Use: "exit-codes", Short: "Exit codes", Long: b.String()}
}

// clientVariables are the variables that commands other than start read.
var clientVariables = []struct{ name, help string }{
	{"CHARMD_URL", "address of the daemon that commands are meant for"},
	{"CHARMD_TOKEN", "its token; without it the file admin.token in the data directory is read, but for a daemon on another machine"},
	{"XDG_RUNTIME_DIR", "a daemon leaves its address in the folder charmd of this directory"},
	{"NO_COLOR", "print no colours"},
}

const precedence = "A flag wins over the environment, the environment over the file that --config names, the\n" +
	"file over what is built in. The file holds NAME=value lines, named like the variables; lines\n" +
	"that begin with # are skipped. Variables that end in _MS are numbers of milliseconds; other\n" +
	"durations are written like 90s or 5m, or as milliseconds."

const findingTheDaemon = "Commands look for the daemon at CHARMD_URL; else where the runtime file says that names\n" +
	"their data directory; else, if no data directory was given and exactly one daemon runs,\n" +
	"there; else at the address that charmd listens on. There nothing is asked of one that runs\n" +
	"on another data directory, nor, unless CHARMD_TOKEN is set, while none runs on this one."

// configurationTopic is `charmd help configuration`.
func configurationTopic() *cobra.Command {
	var b strings.Builder
	b.WriteString(precedence + "\n\nOptions of start:\n\n")
	for _, o := range config.Options() {
		if o.Hidden {
			continue
		}
		name := "(no flag)"
		if !o.NoFlag {
			name = strings.TrimRight("--"+o.Name+" "+o.Kind.Placeholder(), " ")
		}
		fmt.Fprintf(&b, "  %s  %s\n", name, strings.Join(o.Env, ", "))
		fmt.Fprintf(&b, "      %s\n", o.Help)
		fmt.Fprintf(&b, "      allowed: %s", o.Allowed())
		if o.Default != "" {
			fmt.Fprintf(&b, "; default %s", o.DefaultText())
		}
		b.WriteString("\n")
	}
	b.WriteString("\nVariables of all other commands:\n\n")
	for _, v := range clientVariables {
		fmt.Fprintf(&b, "  %-16s %s\n", v.name, v.help)
	}
	b.WriteString("\n" + findingTheDaemon)
	return &cobra.Command{Use: "configuration", Short: "Options, variables and the configuration file", Long: b.String()}
}
