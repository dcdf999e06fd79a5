package cli

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"charmd/internal/config"
)

var update = flag.Bool("update", false, "write docs/commands.md instead of comparing it")

// TestCommandsDocument keeps docs/commands.md equal to the command tree:
// go test ./internal/cli -run TestCommandsDocument -update
func TestCommandsDocument(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "docs", "commands.md")
	want := commandsDocument(newApp(nil, nil, nil, nil).root())
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/commands.md is stale; run this test with -update\n%s", diff)
	}
}

// commandsDocument is the reference of the command line in Markdown.
func commandsDocument(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# Commands\n\n" + root.Long + "\n\n")
	b.WriteString("This page is made from the program: `go test ./internal/cli -run TestCommandsDocument -update`.\n\n")
	b.WriteString("A charm is named `SPACE/CHARM`: the space by its name or DID, the charm by its id, an unambiguous\n" +
		"prefix of it, or its name. `CHARM` alone is looked for in all spaces.\n\n")
	b.WriteString("Every command takes these flags:\n\n" + flagList(root.PersistentFlags()) + "\n")
	for _, cmd := range root.Commands() {
		document(&b, cmd)
	}
	b.WriteString("## Exit codes\n\n| code | meaning |\n|---|---|\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "| %d | %s |\n", e.code, e.meaning)
	}
	b.WriteString("\n" + errorForm + "\n\n")
	b.WriteString("## Configuration\n\n" + precedence + "\n\n| flag of start | variables | what | allowed | default |\n|---|---|---|---|---|\n")
	for _, o := range config.Options() {
		if !o.Hidden {
			optionRow(&b, o)
		}
	}
	b.WriteString("\nVariables of the other commands:\n\n| variable | what |\n|---|---|\n")
	for _, v := range clientVariables {
		fmt.Fprintf(&b, "| `%s` | %s |\n", v.name, v.help)
	}
	b.WriteString("\n" + findingTheDaemon + "\n")
	return b.String()
}

func document(b *strings.Builder, cmd *cobra.Command) {
	if cmd.Hidden || !cmd.Runnable() {
		return
	}
	if !cmd.HasSubCommands() || cmd.Long != "" { // without it, the command only holds others
		fmt.Fprintf(b, "## %s\n\n", cmd.CommandPath())
		if cmd.Long != "" {
			b.WriteString(cmd.Long + "\n\n")
		} else {
			b.WriteString(cmd.Short + ".\n\n")
		}
		fmt.Fprintf(b, "```\n%s\n```\n\n", cmd.UseLine())
		if cmd.Example != "" {
			fmt.Fprintf(b, "Examples:\n\n```\n%s\n```\n\n", strings.ReplaceAll(cmd.Example, "  charmd", "charmd"))
		}
		if list := flagList(cmd.LocalNonPersistentFlags()); list != "" {
			b.WriteString(list + "\n")
		}
	}
	for _, sub := range cmd.Commands() {
		document(b, sub)
	}
}

func flagList(flags *pflag.FlagSet) string {
	var b strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if value != "" {
			name += " " + value
		}
		fmt.Fprintf(&b, "- `%s`: %s", name, usage)
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" {
			fmt.Fprintf(&b, " (default %s)", f.DefValue)
		}
		b.WriteString("\n")
	})
	return b.String()
}

func optionRow(b *strings.Builder, o config.Option) {
	flag := ""
	if !o.NoFlag {
		flag = "`" + strings.TrimRight("--"+o.Name+" "+o.Kind.Placeholder(), " ") + "`"
	}
	fmt.Fprintf(b, "| %s | `%s` | %s | %s | %s |\n", flag, strings.Join(o.Env, "`, `"), o.Help, o.Allowed(), o.DefaultText())
}
