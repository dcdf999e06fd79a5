package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/config"
	"charmd/internal/explain"
	"charmd/internal/observe"
	"charmd/internal/vault"
)

func (a *app) secretCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "secret",
		Short: "Keep secrets: set, list, verify, rotate the key",
		Long: "Keep secrets in the vault, where each is encrypted: the client secrets of providers (set PROVIDER-client-secret),\n" +
			"and the tokens of connected accounts, which charmd puts there itself. Values are read from standard input, never\n" +
			"from an argument, and are never printed. docs/security.md says how they are kept.",
		Args: a.subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return charm.Errorf(charm.CodeUsage, "%s needs to be told what to do", cmd.CommandPath()).WithHint("%s --help lists what there is", cmd.CommandPath())
		},
	}
	verify := a.vaultCommand("verify", "Decrypt every secret and say which cannot be", (*client.Client).VerifyVault)
	verify.Annotations = map[string]string{changesNothing: "yes"}
	cmd.AddCommand(a.secretSetCommand(), a.secretListCommand(), a.secretRemoveCommand(), verify,
		a.vaultCommand("rotate-key", "Make a new key and encrypt all secrets with it", (*client.Client).RotateVault))
	for _, c := range cmd.Commands() {
		bindOptions(c.Flags(), config.Listen)
	}
	return cmd
}

func (a *app) secretSetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set NAME",
		Short: "Read a secret from standard input and keep it",
		Args:  exactly(1, "a name, like github-client-secret"),
		RunE: func(cmd *cobra.Command, args []string) error {
			value, err := a.readSecret(args[0])
			if err != nil {
				return err
			}
			err = a.daemonOrData(cmd, func(c *client.Client) error { return c.SetSecret(cmd.Context(), args[0], value) })
			if err != nil {
				return err
			}
			return a.result(map[string]string{"name": args[0]}, func() { a.print("%s is kept", observe.Line(args[0])) })
		},
	}
}

// readSecret reads one secret from standard input; at a terminal without showing it.
func (a *app) readSecret(name string) (charm.Secret, error) {
	var text []byte
	var err error
	if in, ok := a.in.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		fmt.Fprintf(a.err, "%s: ", observe.Line(name))
		text, err = term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(a.err)
	} else {
		text, err = io.ReadAll(io.LimitReader(a.in, vault.MaxBytes+1))
	}
	if err != nil {
		return "", charm.Errorf(charm.CodeInvalid, "the secret could not be read from standard input: %w", err)
	}
	return charm.Secret(strings.TrimRight(string(text), "\r\n")), nil
}

func (a *app) secretListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List what secrets there are, without their values",
		Args:  nothing,

		Annotations: map[string]string{changesNothing: "yes"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list []api.Secret
			err := a.daemonOrData(cmd, func(c *client.Client) (err error) {
				list, err = c.Secrets(cmd.Context())
				return err
			})
			if err != nil {
				return err
			}
			return a.result(append([]api.Secret{}, list...), func() { a.printSecrets(list) })
		},
	}
}

func (a *app) printSecrets(list []api.Secret) {
	if len(list) == 0 {
		a.print("There are no secrets.")
		return
	}
	var rows [][]cell
	for _, s := range list {
		rows = append(rows, []cell{plain(s.Name), plain(s.Key), plain(a.relative(&s.Changed))})
	}
	a.table([]string{"NAME", "KEY", "CHANGED"}, rows)
}

func (a *app) secretRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Take a secret away",
		Args:  exactly(1, "a name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := a.daemonOrData(cmd, func(c *client.Client) error { return c.RemoveSecret(cmd.Context(), args[0]) })
			if err != nil {
				return err
			}
			return a.result(map[string]string{"name": args[0]}, func() { a.print("%s is gone", observe.Line(args[0])) })
		},
	}
}

// vaultCommand does something with the whole vault and says how it stands then.
func (a *app) vaultCommand(use, short string, do func(*client.Client, context.Context) (api.Vault, error)) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args:  nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var v api.Vault
			err := a.daemonOrData(cmd, func(c *client.Client) (err error) {
				v, err = do(c, cmd.Context())
				return err
			})
			if err != nil {
				return err
			}
			if err := a.result(v, func() { a.printVault(v) }); err != nil {
				return err
			}
			if len(v.Broken) > 0 {
				return charm.Errorf(charm.CodeUnwell, "%s cannot be decrypted", explain.Count(len(v.Broken), "secret")).
					WithHint("put them back from a backup, or set them (connect the account) again")
			}
			return nil
		},
	}
}

func (a *app) printVault(v api.Vault) {
	a.print("%s, encrypted with the key %s", explain.Count(v.Secrets, "secret"), v.Key)
	if v.Old > 0 {
		a.print("%d of them still with an earlier key, which is kept for that", v.Old)
	}
	for _, line := range v.Broken {
		a.print("%s", observe.Line(line))
	}
}
