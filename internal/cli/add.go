package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/config"
	"charmd/internal/egress"
	"charmd/internal/jsontext"
	"charmd/internal/observe"
	"charmd/internal/schedule"
)

// addFlags are the flags of add as they were typed.
type addFlags struct {
	space, name, argument, integration string
	every, cron, zone                  string
	priority                           int
	timeout, probe                     string
	allowHosts                         []string
	noRegister                         bool
}

func (a *app) addCommand() *cobra.Command {
	var f addFlags
	cmd := &cobra.Command{
		Use:   "add FILE.tsx|ADDRESS",
		Short: "Make a charm of a recipe and let it run in the background",
		Long: "Make a charm of a recipe and let it run in the background.\n\n" +
			"Files that the recipe imports by a relative path are sent with it; they must lie in the\n" +
			"recipe's folder or below. So are packages that it imports from a node_modules beside it.\n" +
			"For the address of a feed or of a page that names one, of a calendar (.ics), of JSON, or of\n" +
			"a repository at github.com, charmd has recipes and chooses one.\n" +
			"Without a daemon the data directory is written directly.",
		Example: "  charmd add news.tsx\n" +
			"  charmd add news.tsx --space feeds --every 10m --argument '{\"settings\":{\"feedUrl\":\"https://example.org/feed.xml\"}}'\n" +
			"  charmd add https://example.org/blog --every 10m\n" +
			"  charmd add report.tsx --cron '0 9 * * mon-fri' --zone Europe/Berlin\n" +
			"  charmd add stranger.tsx --space new",
		Args: exactly(1, "the recipe's file, such as news.tsx, or an address"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.add(cmd, args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.space, "space", "", "the space by `NAME` or DID, or new for one of its own (default home)")
	flags.StringVar(&f.name, "name", "", "its `NAME` in the space (default: the file's)")
	flags.StringVar(&f.argument, "argument", "", "the recipe's argument as `JSON`, or @FILE, or @- for standard input")
	flags.StringVar(&f.integration, "integration", "", "the `NAME` it is registered under (default: the recipe's own)")
	scheduleFlags(flags, &f.every, &f.cron, &f.zone)
	flags.StringVar(&f.timeout, "timeout", "", "wall time of one run, a `DURATION` of at most 10m (default: the service's)")
	flags.IntVar(&f.priority, "priority", 0, "`N` from -100 to 100: charms with a higher one go first in their space")
	flags.StringArrayVar(&f.allowHosts, "allow-host", nil, "a private `HOST[:PORT]` that it may reach; may be repeated")
	flags.StringVar(&f.probe, "probe", "", "with `never`, too many failures disable it until a person enables it")
	flags.BoolVar(&f.noRegister, "no-register", false, "make the charm, and do not run it in the background")
	bindOptions(flags, config.Listen)
	return cmd
}

func (a *app) add(cmd *cobra.Command, file string, f addFlags) error {
	var sources sources
	var req api.AddRequest
	var err error
	if isAddress(file) {
		if req, err = a.addRequest(f); err == nil {
			err = a.chooseRecipe(cmd, file, &req)
		}
	} else {
		if sources, err = readRecipe(file); err == nil {
			req, err = a.addRequest(f)
			req.Entry, req.Files = sources.entry, sources.files
		}
	}
	if err != nil {
		return err
	}
	return a.daemonOrData(cmd, func(c *client.Client) error {
		added, err := c.Add(cmd.Context(), req)
		if err != nil {
			return sources.explain(err)
		}
		next := "logs %s"
		if f.noRegister {
			next = "run %s --wait"
		}
		return a.added(cmd.Context(), c, added, next)
	})
}

// addRequest judges the flags, so that a mistake costs no round trip and is told
// in the words of the command line.
func (a *app) addRequest(f addFlags) (api.AddRequest, error) {
	req := api.AddRequest{
		Space: f.space, Name: f.name, Integration: f.integration,
		Every: f.every, Cron: f.cron, Zone: f.zone, Timeout: f.timeout, Priority: f.priority, AllowHosts: f.allowHosts, Probe: f.probe, NoRegister: f.noRegister,
	}
	if _, err := schedule.Read(f.every, f.cron, f.zone); err != nil {
		return req, err
	}
	if err := timeoutFlag(f.timeout); err != nil {
		return req, err
	}
	if f.probe != "" && f.probe != "never" {
		return req, charm.Errorf(charm.CodeUsage, "bad value %q for --probe", f.probe).WithHint("allowed: never")
	}
	for _, host := range f.allowHosts {
		if err := egress.CheckAllowHost(host); err != nil {
			return req, fmt.Errorf("--allow-host: %w", err)
		}
	}
	argument, err := a.argument(f.argument)
	req.Argument = argument
	return req, err
}

// timeoutFlag checks a duration that the daemon will read.
func timeoutFlag(text string) error {
	const least = time.Millisecond
	if d, err := time.ParseDuration(text); text == "" || err == nil && d >= least && d <= charm.MaxTimeout {
		return nil
	}
	return charm.Errorf(charm.CodeUsage, "bad value %q for --timeout", text).
		WithHint("allowed: a duration of at least %v and at most %s, such as 60s or 5m", least, charm.ShortDuration(charm.MaxTimeout))
}

// argument is the JSON that --argument gives, nil for none.
func (a *app) argument(text string) (json.RawMessage, error) {
	if text == "" {
		return nil, nil
	}
	name, fromFile := strings.CutPrefix(text, "@")
	if !fromFile {
		return jsonValue("--argument", []byte(text))
	}
	in := a.in
	if name != "-" {
		f, err := opened(name)
		if err != nil {
			return nil, fmt.Errorf("--argument: %w", err)
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, charm.MaxDocumentBytes+1))
	if err != nil {
		return nil, charm.Errorf(charm.CodeUsage, "--argument: %w", err)
	}
	return jsonValue("--argument "+text, data)
}

// jsonValue checks JSON that was typed or read from a file.
func jsonValue(what string, text []byte) (json.RawMessage, error) {
	_, err := jsontext.Parse(text, jsontext.Limits{Depth: charm.MaxDepth, Bytes: charm.MaxDocumentBytes})
	switch {
	case errors.Is(err, jsontext.ErrLimit):
		return nil, charm.Errorf(charm.CodeTooLarge, "%s: %w", what, err)
	case err != nil:
		return nil, charm.Errorf(charm.CodeUsage, "%s: %w", what, err).WithHint("a text is JSON with its quotes: '\"text\"'")
	}
	return text, nil
}

func (a *app) addAdminCharmCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "add-admin-charm",
		Short: "Make the charm that shows what is registered",
		Long: "Make the admin charm in the system space: its page shows the registered charms.\n" +
			"When it is there already, it is named again.\n" +
			"Without a daemon the data directory is written directly.",
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.daemonOrData(cmd, func(c *client.Client) error {
				added, err := c.AddAdminCharm(cmd.Context())
				if err != nil {
					return err
				}
				return a.added(cmd.Context(), c, added)
			})
		},
	}
	bindOptions(cmd.Flags(), config.Listen)
	return cmd
}

// added tells of a new charm, and which commands to try on it besides show.
func (a *app) added(ctx context.Context, c *client.Client, added api.Added, next ...string) error {
	if a.json {
		return a.printJSON(added)
	}
	// The space's name makes the commands below short enough to be typed; a DID
	// in its place does as well.
	ref := client.Ref{Space: added.Space, Charm: added.CharmID}
	name := refOf(api.Charm{Space: added.Space, CharmID: added.CharmID, Name: added.Name})
	if made, err := c.Charm(ctx, ref); err == nil {
		name = refOf(made)
	}
	name = observe.Line(name)
	a.print("added %s", name)
	a.fields(field{"  id", plain(added.CharmID)}, field{"  space", plain(added.Space)}, field{"  page", plain(added.URL)})
	a.print("next:")
	if a.starts != "" {
		a.print("  %s", observe.Line(a.starts))
	}
	for _, command := range append(next, "show %s") {
		a.print("  charmd "+command, name)
	}
	return nil
}
