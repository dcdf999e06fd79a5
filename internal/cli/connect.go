package cli

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/observe"
)

func (a *app) connectCommand() *cobra.Command {
	var ref, path string
	var device bool
	cmd := &cobra.Command{
		Use:   "connect PROVIDER --charm SPACE/CHARM",
		Short: "Connect an account (google, github …) to a charm",
		Long: "Connect an account to a charm: a person allows the access in a browser, and the charm may use it from\n" +
			"then on. The answer comes back to this command over the loopback interface; where the browser is on another\n" +
			"machine, --device shows a code to type there, if the provider has that.\n\n" +
			"A recipe that expects the account in a cell gets it there: in the one that --cell names by its path from the\n" +
			"result, or in \"auth\". Others name the connection: fetch(url, { connection: \"google\" }). Connecting again\n" +
			"replaces the account. docs/integrations.md has the providers and what they need.",
		Args: exactly(1, "a provider, like google"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			if ref == "" {
				return charm.Errorf(charm.CodeUsage, "%s needs --charm SPACE/CHARM", cmd.CommandPath()).WithHint("charmd list shows the charms")
			}
			to, err := resolveRef(cmd.Context(), c, ref)
			if err != nil {
				return err
			}
			req := api.ConnectRequest{Provider: args[0], Device: device}
			if path != "" {
				req.Cell = strings.Split(strings.Trim(path, "/"), "/")
			}
			conn, err := a.connect(cmd.Context(), c, to, req)
			if err != nil {
				return err
			}
			return a.result(conn, func() { a.printConnected(conn) })
		},
	}
	cmd.Flags().StringVar(&ref, "charm", "", "the charm that may use the account, as `SPACE/CHARM`")
	_ = cmd.RegisterFlagCompletionFunc("charm", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return a.charmNames(cmd), cobra.ShellCompDirectiveNoFileComp
	}) // the flag is there
	cmd.Flags().StringVar(&path, "cell", "", "`PATH` from its result of the cell that its recipe expects the account in (default auth)")
	cmd.Flags().BoolVar(&device, "device", false, "show a code to type at the provider")
	return cmd
}

// connect goes through the flow with the person.
func (a *app) connect(ctx context.Context, c *client.Client, to client.Ref, req api.ConnectRequest) (api.Connection, error) {
	if req.Device {
		begun, err := c.Connect(ctx, to, req)
		if err != nil {
			return api.Connection{}, err
		}
		a.warn("Open %s and type there: %s", observe.Line(begun.URL), observe.Line(begun.Code))
		return c.FinishConnect(ctx, api.ConnectFinish{Provider: req.Provider, State: begun.State})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return api.Connection{}, charm.Errorf(charm.CodeUnavailable, "no port of the loopback interface is free for the answer: %w", err)
	}
	answers := make(chan api.ConnectFinish)
	server := &http.Server{Handler: answerPage(answers), ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(l) //nolint:errcheck // it ends when it is closed
	defer server.Close()
	req.Redirect = "http://" + l.Addr().String() + answerPath
	begun, err := c.Connect(ctx, to, req)
	if err != nil {
		return api.Connection{}, err
	}
	a.warn("Open this address in a browser on this machine, and allow the access:\n  %s", observe.Line(begun.URL))
	ended := time.After(connectWithin)
	for {
		select {
		case answer := <-answers:
			if answer.State != begun.State {
				continue // of somebody else
			}
			answer.Provider = req.Provider
			return c.FinishConnect(ctx, answer)
		case <-ended:
			return api.Connection{}, charm.Errorf(charm.CodeUnavailable, "nobody allowed the access within %s", charm.ShortDuration(connectWithin))
		case <-ctx.Done():
			return api.Connection{}, ctx.Err()
		}
	}
}

const (
	answerPath    = "/connected"
	connectWithin = 10 * time.Minute // as long as the daemon remembers what was begun
)

// answerPage takes the provider's answer from the browser. Each waits until it is looked
// at: any page may send some of its own, and must not crowd out the one.
func answerPage(answers chan<- api.ConnectFinish) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+answerPath, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		select {
		case answers <- api.ConnectFinish{State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Issuer: q.Get("iss")}:
		case <-r.Context().Done():
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Referrer-Policy", "no-referrer")
		_, _ = io.WriteString(w, "charmd has the answer. Go on in the terminal; this window can be closed.\n")
	})
	return mux
}

func (a *app) printConnected(c api.Connection) {
	who := c.Account
	if who == "" {
		who = "an account"
	}
	a.print("%s is connected to %s (%s)", observe.Line(c.Charm), observe.Line(who), observe.Line(c.Provider))
	if c.Before != "" {
		a.print("it had the account %s before: what it has brought in from there stays, and what it brings in now comes beside it", observe.Line(c.Before))
	}
	if len(c.Missing) > 0 {
		a.print("not given: %s; to give it, connect again", observe.Line(strings.Join(c.Missing, ", ")))
	}
	if c.Ends != nil {
		a.print("the access ends %s", a.moment(c.Ends))
	}
}

func (a *app) connectionsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "connections",
		Short: "List the accounts that charms are connected to",
		Long:  "List the accounts that charms are connected to, how they stand, and when their access ends.",
		Args:  a.subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			list, err := c.Connections(cmd.Context())
			if err != nil {
				return err
			}
			return a.result(append([]api.Connection{}, list...), func() { a.printConnections(list) })
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "remove ID",
		Short: "Forget an account and its tokens, and empty its cell",
		Args:  exactly(1, "the id of a connection"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			if err := c.Disconnect(cmd.Context(), args[0]); err != nil {
				return err
			}
			return a.result(map[string]string{"id": args[0]}, func() { a.print("%s is disconnected", observe.Line(args[0])) })
		},
	})
	cmd.AddCommand(&cobra.Command{
		Use:   "refused",
		Short: "List answers in providers' names that were refused",
		Long: "List the last answers in providers' names that fitted no connecting that a person had begun here, where they\n" +
			"came from and why they were refused. One now and then is somebody who was slow, or went back in a browser;\n" +
			"many, or from a strange address, are somebody who tries to have an account connected that you did not choose.",
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			list, err := c.RefusedAnswers(cmd.Context())
			if err != nil {
				return err
			}
			return a.result(append([]api.RefusedAnswer{}, list...), func() { a.printRefused(list) })
		},
	})
	return cmd
}

func (a *app) printRefused(list []api.RefusedAnswer) {
	if len(list) == 0 {
		a.print("No answer was refused.")
		return
	}
	var rows [][]cell
	for _, r := range list {
		rows = append(rows, []cell{plain(a.moment(&r.Last)), plain(r.Provider), plain(r.From), plain(strconv.Itoa(r.Times)), plain(r.Why)})
	}
	a.table([]string{"LAST", "PROVIDER", "FROM", "TIMES", "WHY"}, rows)
}

func (a *app) printConnections(list []api.Connection) {
	if len(list) == 0 {
		a.print("No account is connected.")
		return
	}
	var rows [][]cell
	var again []string
	for _, c := range list {
		if c.Next != "" {
			again = append(again, c.Next)
		}
		rows = append(rows, []cell{plain(c.ID), plain(c.Provider), plain(c.Account), plain(c.Charm), tinted(connectionColour(c.State), string(c.State)), plain(c.Because)})
	}
	a.table([]string{"ID", "PROVIDER", "ACCOUNT", "CHARM", "STATE", "HOW"}, rows)
	if len(again) > 0 {
		a.print("connect again with:")
	}
	for _, next := range again {
		a.print("  %s", observe.Line(next))
	}
}

func connectionColour(s charm.ConnectionState) colour {
	if s == charm.Connected {
		return good
	}
	return uneasy
}
