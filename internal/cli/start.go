package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"charmd/charms"
	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/config"
	"charmd/internal/explain"
	"charmd/internal/observe"
)

// notifier delivers the signals that ask the program to stop, until it is told
// to leave that to the system again.
type notifier func() (signals <-chan os.Signal, stop func())

func notifySignals() (<-chan os.Signal, func()) {
	// Two signals have a meaning; neither may be lost while the first is handled.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	return signals, func() { signal.Stop(signals) }
}

func (a *app) startCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Start the service",
		Long: "Start the service, and the toolshed unless another one is named.\n\n" +
			"It runs in the foreground and logs to standard error. SIGINT or SIGTERM stops it: no\n" +
			"new runs begin, those that are running may end within the grace period, and what does\n" +
			"not end is run again at the next start. A second signal stops it at once.",
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			return a.serve(cmd, cfg)
		},
	}
	bindOptions(cmd.Flags())
	return cmd
}

// toolshedOptions are those of start that have a meaning where no charms run.
var toolshedOptions = []string{
	config.Listen, "dev", "allow-remote", "behind-proxy", config.TLSCert, config.TLSKey, "host-names", "identity", "timeout", "maintenance-timeout", "log-interval", "grace", "disk-budget", "min-free", config.RequireSandbox,
	config.NotifyCommand, config.NotifyURL, "llm-url", config.EgressProxy, "log-level",
}

func (a *app) toolshedCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "toolshed",
		Short: "Start the toolshed alone, where no charms run",
		Long: "Start the toolshed alone: memory, blobs, registration and the API, and no charm runs. It is for spaces\n" +
			"whose charms another charmd runs, started with TOOLSHED_API_URL. It uses a data directory like start\n" +
			"does; only one of the two can run on it at a time.",
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			cfg.Alone, cfg.Workers = true, 1 // one compiles recipes that are added
			return a.serve(cmd, cfg)
		},
	}
	bindOptions(cmd.Flags(), toolshedOptions...)
	return cmd
}

// serve runs the service until a signal comes.
func (a *app) serve(cmd *cobra.Command, cfg config.Config) (err error) {
	if toolshed, _ := cfg.Foreign(); toolshed != "" && cfg.Alone {
		return charm.Errorf(charm.CodeRemoteToolshed, "a toolshed alone has its own spaces, and %s is named as the toolshed", toolshed).
			WithHint("unset TOOLSHED_API_URL and MEMORY_URL; or use charmd start, which runs charms beside that toolshed")
	} else if toolshed == "" && !cfg.Alone && !free(cfg.Listen) {
		cfg = cfg.Aside() // what answers there is the toolshed that is named, if one is
	}
	if cfg.DataDir, err = filepath.Abs(cfg.DataDir); err != nil {
		return charm.Errorf(charm.CodeDataUnusable, "the data directory has no path: %w", err)
	}
	signals, stop := a.notify()
	defer stop()
	logger := observe.NewLogger(a.err, a.logForm(), cfg.LogLevel)
	svc, err := a.open(cmd.Context(), cfg, logger)
	if err != nil {
		return err
	}
	if err := svc.Start(cmd.Context()); err != nil {
		return errors.Join(a.taken(cfg, err), svc.Close())
	}
	if err := a.greet(cmd.Context(), inProcess(svc)); err != nil {
		logger.Warn("the service has started and its state could not be read", "err", err)
	}
	<-signals
	return a.stop(cfg, svc, signals)
}

// taken names the charmd that has the address which could not be listened on, if it is
// one of this user's.
func (a *app) taken(cfg config.Config, err error) error {
	e, ok := errors.AsType[*charm.Error](err)
	if !ok || e.Code != charm.CodeAddressTaken {
		return err
	}
	place, _ := client.Find(client.Lookup{DataDir: cfg.DataDir, DataDirGiven: true, RuntimeDir: client.RuntimeDir(a.getenv), Default: cfg.LocalURL()})
	if place.Other == "" {
		return err
	}
	return e.WithHint("the charmd of %s has it: stop that one, or choose another address with --listen", place.Other)
}

// stop drains the service, or kills it when another signal comes.
func (a *app) stop(cfg config.Config, svc background, signals <-chan os.Signal) error {
	a.warn("stopping: running charms have %s to end; another signal stops at once", charm.ShortDuration(cfg.Grace))
	drained := make(chan error, 1)
	go func() { drained <- svc.Drain(context.Background()) }()
	select {
	case err := <-drained:
		if err == nil {
			a.warn("stopped")
		}
		return err
	case <-signals:
		svc.Kill()
		return charm.Errorf(charm.CodeCancelled, "stopped at once").WithHint("what was running runs again at the next start")
	}
}

// greet says that the service runs and where, and to somebody who has no charms
// of their own yet what to try next.
func (a *app) greet(ctx context.Context, c *client.Client) error {
	status, err := c.Status(ctx)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(status)
	}
	a.print("charmd %s listens on %s", status.Version, status.URL)
	a.print("data directory: %s", observe.Line(status.DataDir))
	if err := a.greetBrowser(ctx, c, status.URL); err != nil {
		return err
	}
	list, err := c.Charms(ctx, "")
	if err != nil {
		return err
	}
	if status.Toolshed == "alone" {
		a.print("toolshed alone: no charms run here; %s registered", explain.Count(len(choose(list, func(c api.Charm) bool { return c.Registered })), "charm"))
		return nil
	}
	running := choose(list, func(c api.Charm) bool { return c.Registered })
	if len(running) > 1 || len(running) == 1 && !isHeartbeat(running[0]) {
		a.print("charms: %s", observe.Counts(status.Charms))
		return nil
	}
	a.print("")
	if len(running) == 1 {
		ref := observe.Line(refOf(running[0]))
		a.print("A first charm is running, %s. See it count:", ref)
		a.print("  charmd show %s", ref)
		a.print("  charmd logs %s --follow", ref)
	}
	a.print("Make one of your own, in another terminal:")
	a.print("  charmd new news --template rss")
	a.print("  charmd add news.tsx --argument '{\"settings\":{\"feedUrl\":\"https://example.org/feed.xml\"}}'")
	a.print("  charmd list")
	return nil
}

// isHeartbeat reports whether the charm is the one that the first start makes.
func isHeartbeat(c api.Charm) bool { return c.Name == stem(charms.Heartbeat) }

// stem is a file's name without its extension.
func stem(file string) string {
	base := path.Base(file)
	return base[:len(base)-len(path.Ext(base))]
}
