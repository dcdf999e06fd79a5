package cli

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	cells "charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/config"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	memory "charmd/internal/memory/client"
	"charmd/internal/merkle"
	"charmd/internal/observe"
	"charmd/internal/service"
)

func (a *app) watchCommand() *cobra.Command {
	var url string
	cmd := &cobra.Command{
		Use:   "watch SPACE[/CHARM]",
		Short: "Print what changes in a charm or a space, as it is committed",
		Long: "Print what changes in a charm or a space, as it is committed, until interrupted.\n\n" +
			"Of a charm it prints the result as it is now and after each change; of a space the\n" +
			"documents that change. It asks the memory of the daemon, or of the toolshed that --url\n" +
			"names, in the name of the operator or of --identity. A connection that is lost is made\n" +
			"again; what changed meanwhile is then printed as it is. With --json each change is one\n" +
			"line of JSON. At another toolshed a charm is named by its id, and a space by its DID or,\n" +
			"when this key made it, by its name.",
		Example: "  charmd watch home/counter\n" +
			"  charmd watch home --json\n" +
			"  charmd watch did:key:z6Mk.../baedrei... --url https://toolshed.example --identity my.key",
		Args: exactly(1, "a space, or a charm as SPACE/CHARM"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.watch(cmd, args[0], url) },
	}
	cmd.Flags().StringVar(&url, "url", "", "the toolshed at `URL` instead of the daemon")
	bindOptions(cmd.Flags(), "identity")
	return cmd
}

// target is what is watched.
type target struct {
	url   string
	by    http.RoundTripper // how to get there; nil is the network
	space string            // DID
	charm string            // id; "" for the whole space
	key   *identity.Key
}

func (a *app) watch(cmd *cobra.Command, name, url string) error {
	t, err := a.target(cmd, name, url)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(cmd.Context())
	defer stop(nil)
	signals, leave := a.notify()
	defer leave()
	go func() {
		select {
		case <-signals:
			stop(errInterrupted)
		case <-ctx.Done():
		}
	}()
	c, err := memory.New(memory.Options{URL: t.url, Transport: t.by, Changed: a.sayConnection(t.url, stop)})
	if err != nil {
		return err
	}
	defer c.Close()
	space := c.Space(t.space, t.key)
	if t.charm == "" {
		err = a.watchSpace(ctx, space)
	} else {
		err = a.watchCharm(ctx, space, t.charm)
	}
	if why := context.Cause(ctx); why != nil {
		err = why
	}
	if err == errInterrupted {
		return nil
	}
	return err
}

var errInterrupted = charm.Errorf(charm.CodeCancelled, "interrupted")

// sayConnection tells on standard error how the connection is. A toolshed that
// cannot be reached at all ends the command.
func (a *app) sayConnection(url string, stop context.CancelCauseFunc) func(error) {
	connected := false
	return func(err error) {
		switch {
		case err == nil && connected:
			a.warn("connected to %s again", url)
		case err == nil:
			connected = true
		case !connected:
			stop(err)
		default:
			a.warn("%s; trying again", observe.Line(err.Error()))
		}
	}
}

// memoryOf is where the memory is that a daemon works on: its own, or that of the
// toolshed it is beside.
func memoryOf(ctx context.Context, c *client.Client) (string, error) {
	status, err := c.Status(ctx)
	if err == nil && strings.HasPrefix(status.Toolshed, "http") {
		return status.Toolshed, nil
	}
	return c.URL(), err
}

// target finds out what is meant: at the daemon by asking it, at another toolshed
// from the name alone.
func (a *app) target(cmd *cobra.Command, name, url string) (t target, err error) {
	space, id, one := strings.Cut(name, "/")
	named := space
	if unusable(space) || one && unusable(id) {
		return t, charm.Errorf(charm.CodeUsage, "%q is neither SPACE nor SPACE/CHARM", name)
	}
	cfg, err := a.load(cmd, config.DataDir, "dev", "identity", "operator-pass")
	if err != nil {
		return t, err
	}
	if url == "" {
		c, err := a.daemon(cmd)
		if err != nil {
			return t, err
		}
		if url, err = memoryOf(cmd.Context(), c); err != nil {
			return t, err
		}
		if url == c.URL() {
			t.by = c.Transport()
		}
		if !one {
			if _, err := c.Charms(cmd.Context(), space); err != nil {
				return t, err
			}
		} else {
			ref, err := resolveRef(cmd.Context(), c, name)
			if err != nil {
				return t, err
			}
			got, err := c.Charm(cmd.Context(), ref)
			if err != nil {
				return t, err
			}
			space, id = got.Space, got.CharmID
		}
	} else if _, err := merkle.ParseLink(id); one && err != nil {
		return t, charm.Errorf(charm.CodeUsage, "%q is not the id of a charm", id).
			WithHint("at another toolshed charms are named by their ids, which begin with baedrei")
	}
	operator, err := service.OperatorKey(cfg)
	if err != nil {
		return t, err
	}
	t.url, t.space, t.charm, t.key = url, space, id, operator
	if own := operator.Derive(named); !charm.IsDID(named) && (!charm.IsDID(space) || own.DID() == space) {
		t.key, t.space = own, own.DID() // a space's own key may do everything in it, at any toolshed
	}
	return t, nil
}

// watchSpace prints the documents that change.
func (a *app) watchSpace(ctx context.Context, space *memory.Space) error {
	view, err := space.Subscribe(ctx, memory.Documents())
	if err != nil {
		return err
	}
	defer view.Close()
	a.warn("watching the documents of %s", space.DID()) // which may say nothing for long
	for a.out.err == nil {
		news, err := view.Next(ctx)
		if err != nil {
			return err
		}
		for _, f := range news {
			line := a.line(space)
			line.Set("of", f.Of)
			line.Set("fact", f.Ref.String())
			line.Set("cause", f.Cause.String())
			text := "retracted"
			if f.Has {
				line.Set("is", f.Is)
				text = jsontext.Text(f.Is)
			} else {
				line.Set("retracted", true)
			}
			a.change(line, f.Of+"  "+text)
		}
	}
	return nil
}

// watchCharm prints the charm's result and what it becomes.
func (a *app) watchCharm(ctx context.Context, space *memory.Space, id string) error {
	view, err := space.Subscribe(ctx, memory.Selection{memory.Document(id)})
	if err != nil {
		return err
	}
	defer view.Close()
	if view.Fact(memory.Document(id)).Ref.IsZero() {
		return charm.Errorf(charm.CodeNotFound, "there is no charm %s in the space %s", id, space.DID())
	}
	for last := ""; a.out.err == nil; {
		result, err := export(ctx, view, id)
		if err != nil {
			return err
		}
		if text := jsontext.Text(result); text != last {
			last = text
			line := a.line(space)
			line.Set("charmId", id)
			line.Set("result", result)
			a.change(line, text)
		}
		if _, err := view.Next(ctx); err != nil {
			return err
		}
	}
	return nil
}

// export is the result of a charm. The view is extended by the documents that it
// turns out to lead to.
func export(ctx context.Context, view *memory.Subscription, id string) (result any, err error) {
	for {
		docs := &viewed{}
		view.Look(func(at func(memory.Place) (memory.Fact, bool)) {
			docs.at = at
			result, _, err = cells.Export(docs, cells.Location{ID: id})
		})
		if err != nil || len(docs.missing) == 0 {
			return result, err
		}
		if err := view.Extend(ctx, docs.missing); err != nil {
			return nil, err
		}
	}
}

// viewed are the documents of a view.
type viewed struct {
	at      func(memory.Place) (memory.Fact, bool)
	missing memory.Selection
}

// Document is the stored form of the document, nil when there is none.
func (v *viewed) Document(id string) (*jsontext.Object, error) {
	p := memory.Document(id)
	f, covered := v.at(p)
	if !covered {
		v.missing = append(v.missing, p)
	}
	return f.Value(), nil
}

// line begins a line of JSON about a change that has just been heard of.
func (a *app) line(space *memory.Space) *jsontext.Object {
	line := jsontext.NewObject()
	line.Set("at", a.now().UTC().Format(time.RFC3339Nano))
	line.Set("space", space.DID())
	return line
}

// change prints one change.
func (a *app) change(line *jsontext.Object, text string) {
	if a.json {
		a.printed = true
		a.print("%s", jsontext.Text(line))
		return
	}
	a.print("%s  %s", a.now().Local().Format(time.TimeOnly), observe.Line(text))
}
