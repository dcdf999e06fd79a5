package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"charmd/internal/charm"
	"charmd/internal/config"
)

// everywhere are the options that every command takes.
var everywhere = []string{config.DataDir, config.ConfigFile}

// optionMark is the annotation of flags that are options of the table: a command
// may have a flag of its own with the name of an option.
const optionMark = "option"

// bindOptions adds flags for the named options of the table, for all others than
// those that every command has when none is named.
func bindOptions(flags *pflag.FlagSet, names ...string) {
	for _, o := range config.Options() {
		wanted := slices.Contains(names, o.Name) || len(names) == 0 && !slices.Contains(everywhere, o.Name)
		if o.NoFlag || o.Hidden || !wanted {
			continue
		}
		f := flags.VarPF(&rawValue{kind: o.Kind}, o.Name, "", optionHelp(o))
		if o.Kind == config.Bool {
			f.NoOptDefVal = "true"
		}
		f.Annotations = map[string][]string{optionMark: {o.Name}}
	}
}

// optionHelp is the option's help with its default and its variable.
func optionHelp(o config.Option) string {
	var notes []string
	if o.Default != "" && o.Kind != config.Bool {
		notes = append(notes, "default "+o.DefaultText())
	}
	return o.Help + " (" + strings.Join(append(notes, o.Env[0]), "; ") + ")"
}

// rawValue keeps the text of a flag: package config judges it, so that flags,
// variables and file are judged alike.
type rawValue struct {
	text string
	kind config.Kind
}

func (v *rawValue) String() string     { return v.text }
func (v *rawValue) Set(s string) error { v.text = s; return nil }

// Type is what help shows in place of the value.
func (v *rawValue) Type() string {
	if v.kind == config.Bool {
		return "bool"
	}
	return v.kind.Placeholder()
}

// flagError is a mistake in the flags of a command, with what was meant or is allowed.
func flagError(cmd *cobra.Command, err error) error {
	if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		e := charm.Errorf(charm.CodeUsage, "bad value %q for --%s", bad.GetValue(), bad.GetFlag().Name)
		if bad.GetFlag().Value.Type() == "bool" {
			return e.WithHint("allowed: true or false, or nothing for true")
		}
		return e.WithHint("allowed: a whole number")
	}
	e := charm.Errorf(charm.CodeUsage, "%w", err)
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		// What is near is found as it is for commands.
		names := &cobra.Command{SuggestionsMinimumDistance: 2}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			names.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
		})
		if near := names.SuggestionsFor(unknown.GetSpecifiedName()); len(near) > 0 {
			return e.WithHint("did you mean: --%s", strings.Join(near, ", --"))
		}
	}
	return e.WithHint("%s --help lists its flags", cmd.CommandPath())
}

// load reads the named options, or all, for the command.
func (a *app) load(cmd *cobra.Command, names ...string) (config.Config, error) {
	given := map[string]string{}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if mark := f.Annotations[optionMark]; mark != nil {
			given[mark[0]] = f.Value.String()
		}
	})
	cfg, err := config.Load(config.Input{Flags: given, Env: a.env}, names...)
	cfg.Version = version()
	return cfg, err
}
