package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/config"
	"charmd/internal/observe"
	"charmd/internal/service"
	"charmd/internal/store/sqlite"
)

// background is the service as commands use it.
type background interface {
	Start(context.Context) error
	Drain(context.Context) error
	Kill()
	Close() error
	Handler() http.Handler
	Token() string
}

// opener opens the data directory of a service.
type opener func(context.Context, config.Config, *slog.Logger) (background, error)

func openService(ctx context.Context, cfg config.Config, logger *slog.Logger) (background, error) {
	if err := runsOn(runtime.GOOS); err != nil {
		return nil, err
	}
	s, err := service.Open(ctx, cfg, logger)
	if err != nil {
		return nil, err // not s: a nil pointer in an interface is not nil
	}
	return s, nil
}

// runsOn refuses systems where the service does not run. Commands that ask one
// elsewhere do.
func runsOn(system string) error {
	if system == "windows" {
		return charm.Errorf(charm.CodeUnavailable, "charmd runs charms on Linux and macOS, not on Windows").
			WithHint("start it in WSL2; the other commands reach it from Windows with CHARMD_URL and CHARMD_TOKEN")
	}
	return nil
}

// probeTimeout is how long something at the listening address may take to answer.
const probeTimeout = 500 * time.Millisecond

// find says where the daemon is that the command is meant for.
func (a *app) find(cmd *cobra.Command) (client.Place, error) {
	cfg, err := a.load(cmd, config.DataDir, config.Listen, "allow-remote", "behind-proxy", config.TLSCert, config.TLSKey, config.ToolshedURL, config.MemoryURL)
	if err != nil {
		return client.Place{}, err
	}
	return client.Find(client.Lookup{
		URL: a.getenv("CHARMD_URL"), Token: a.getenv("CHARMD_TOKEN"),
		DataDir: cfg.DataDir, DataDirGiven: cfg.Origin(config.DataDir) != "",
		RuntimeDir: client.RuntimeDir(a.getenv), Default: cfg.LocalURL(),
		Held: func(dir string) bool { _, held := sqlite.Locked(dir); return held },
	})
}

// daemon is a client of the running daemon.
func (a *app) daemon(cmd *cobra.Command) (*client.Client, error) {
	place, err := a.find(cmd)
	if err != nil {
		return nil, err
	}
	return place.Client(), nil
}

// daemonOrData gives fn a client of the running daemon, unless that is not the
// toolshed that is named. When none is running it opens the data directory itself
// and gives fn a client of that. fn may be called twice, the first time without
// effect.
func (a *app) daemonOrData(cmd *cobra.Command, fn func(*client.Client) error) error {
	place, err := a.find(cmd)
	if err != nil {
		return err
	}
	c := place.Client()
	if !place.Named {
		err = a.sameToolshed(cmd, place, c)
	}
	if err == nil {
		err = fn(c)
	}
	if place.Named || !errors.Is(err, client.ErrNobodyAnswers) && !errors.Is(err, errStranger) {
		return err
	}
	return a.directly(cmd, fn)
}

// errStranger says that what answers where our daemon would be is the toolshed that
// is named.
var errStranger = errors.New("the toolshed that is named answers there")

// sameToolshed refuses a daemon that serves another toolshed than the one that is
// named: what is added would not be found there.
func (a *app) sameToolshed(cmd *cobra.Command, place client.Place, c *client.Client) error {
	cfg, err := a.load(cmd, config.Listen, "allow-remote", "behind-proxy", config.TLSCert, config.TLSKey, config.ToolshedURL, config.MemoryURL)
	if err != nil || cfg.ToolshedURL+cfg.MemoryURL == "" {
		return err
	}
	status, err := c.Status(cmd.Context())
	if err != nil {
		if cfg.Names(place.URL) && cfg.Origin(config.Listen) == "" && !errors.Is(err, client.ErrNobodyAnswers) {
			return errors.Join(errStranger, err)
		}
		return err
	}
	named, _ := cfg.At(place.URL).Foreign()
	if theirs := strings.HasPrefix(status.Toolshed, "http"); theirs != (named != "") || theirs && config.SameToolshed(status.Toolshed) != config.SameToolshed(named) {
		return charm.Errorf(charm.CodeRemoteToolshed, "the charmd at %s serves another toolshed than the one that is named, %s", place.URL, cfg.ToolshedURL+cfg.MemoryURL).
			WithHint("unset TOOLSHED_API_URL and MEMORY_URL, or name the data directory of the charmd that is meant with --data-dir")
	}
	return nil
}

// directly opens the data directory, which must be free, and nothing may answer
// where its daemon would listen.
func (a *app) directly(cmd *cobra.Command, fn func(*client.Client) error) error {
	cfg, err := a.load(cmd)
	if err != nil {
		return err
	}
	if toolshed, _ := cfg.Foreign(); toolshed == "" && !free(cfg.Listen) {
		cfg = cfg.Aside() // what answers there is the toolshed that is named, if one is
	}
	if !free(cfg.Listen) {
		return charm.Errorf(charm.CodeUnavailable, "something answers at %s, and it is not the charmd of %s", cfg.Listen, cfg.DataDir).
			WithHint("stop it, or say --listen with the address that charmd will have")
	}
	logger := observe.NewLogger(a.err, a.logForm(), max(cfg.LogLevel, slog.LevelWarn))
	svc, err := a.open(cmd.Context(), cfg, logger)
	if err != nil {
		return err
	}
	a.starts = "charmd start"
	if strings.HasPrefix(cfg.Origin(config.DataDir), "flag ") {
		a.starts += " --data-dir " + cfg.DataDir
	}
	err = fn(inProcess(svc))
	if err = errors.Join(err, svc.Close()); err != nil {
		return err
	}
	done := "wrote to"
	if cmd.Annotations[changesNothing] != "" {
		done = "read"
	}
	a.warn("no daemon is running; %s %s directly", done, cfg.DataDir)
	return nil
}

// changesNothing is the annotation of commands that only look at a data directory.
const changesNothing = "changes nothing"

// free reports whether nothing answers at an address.
func free(address string) bool {
	conn, err := net.DialTimeout("tcp", address, probeTimeout)
	if err == nil {
		_ = conn.Close()
	}
	return err != nil
}

// inProcess is a client of a service in this process.
func inProcess(svc background) *client.Client {
	return client.New("http://127.0.0.1", svc.Token(), client.InProcess(svc.Handler()))
}

// logForm is how a log on standard error is written.
func (a *app) logForm() observe.Form {
	switch _, ok := terminal(a.err); {
	case a.coloured(a.err):
		return observe.Coloured
	case ok:
		return observe.Plain
	}
	return observe.JSON
}
