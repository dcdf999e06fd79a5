package cli

import (
	"context"
	"fmt"
	"html"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/config"
	"charmd/internal/explain"
	"charmd/internal/observe"
)

func (a *app) openCommand() *cobra.Command {
	var printOnly bool
	cmd := &cobra.Command{
		Use:   "open",
		Short: "Sign a browser in, and show charmd's pages in it",
		Long: "Make a link that lets one browser in. It works once, for ten minutes. Where there is a desktop the\n" +
			"browser is started with it.",
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			link, err := c.SignInLink(cmd.Context())
			if err != nil {
				return err
			}
			opened := api.Opened{URL: c.PagesURL() + link.Path, ExpiresAt: link.ExpiresAt}
			if !printOnly && a.hasDesktop() {
				if err := a.showLink(opened.URL); err != nil {
					a.warn("the browser could not be started: %v", err)
				} else {
					opened.Browser = true
				}
			}
			return a.result(opened, func() {
				if opened.Browser {
					a.print("Your browser opens. If it does not show charmd, open this link in it:")
				} else {
					a.print("Open this link in a browser:")
				}
				a.print("  %s", observe.Line(opened.URL))
				left := opened.ExpiresAt.Sub(a.now()).Round(time.Minute) // asking for it took a moment of ten minutes
				a.print("It works once, and expires in %s.", span(left))
			})
		},
	}
	cmd.Flags().BoolVar(&printOnly, "print", false, "print the link, and start no browser")
	return cmd
}

// hasDesktop reports whether a browser that is started would be seen.
func (a *app) hasDesktop() bool {
	switch runtime.GOOS {
	case "darwin", "windows":
		return true
	}
	return a.getenv("DISPLAY") != "" || a.getenv("WAYLAND_DISPLAY") != ""
}

// showLink starts the browser with a file that leads to the link: the arguments
// of a process are no place for a secret, since others can list them.
func (a *app) showLink(link string) error {
	u, err := url.Parse(link)
	if err != nil {
		return err
	}
	dir, name := client.RuntimeDir(a.getenv), "open-"+u.Port()+".html"
	page := fmt.Sprintf("<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=\"0;url=%s\">\n", html.EscapeString(link))
	if err := client.WriteBeside(dir, name, []byte(page)); err != nil {
		return err
	}
	return a.browse(filepath.Join(dir, name))
}

// startBrowser shows a file in the person's browser, which outlives the command by
// days and hands its environment on to whatever it starts: it gets none of our secrets.
func startBrowser(file string) error {
	args := []string{"xdg-open", file}
	switch runtime.GOOS {
	case "darwin":
		args[0] = "open"
	case "windows":
		args = []string{"rundll32", "url.dll,FileProtocolHandler", file}
	}
	browser := exec.Command(args[0], args[1:]...)
	browser.Env = slices.DeleteFunc(os.Environ(), isSecretVariable)
	return browser.Run()
}

// isSecretVariable reports whether a NAME=value of the environment is a secret of ours.
func isSecretVariable(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	return name == "CHARMD_TOKEN" || slices.ContainsFunc(config.Options(), func(o config.Option) bool {
		return (o.Kind == config.Hush || o.Kind == config.Proxy) && slices.Contains(o.Env, name)
	})
}

// greetBrowser tells how to see the pages: with a link where nobody is signed in
// and a person reads. What is not a terminal may be somebody's log.
func (a *app) greetBrowser(ctx context.Context, c *client.Client, at string) error {
	list, err := c.SignIns(ctx)
	if err != nil {
		return err
	}
	if _, person := terminal(a.out.w); !person || len(list) > 0 {
		a.print("pages: charmd open shows them in a browser")
		return nil
	}
	link, err := c.SignInLink(ctx)
	if err != nil {
		return err
	}
	a.print("pages: %s", observe.Line(at+link.Path))
	a.print("       (for one browser, within ten minutes; charmd open gives another link)")
	return nil
}

func (a *app) browsersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "browsers",
		Short: "List the browsers that are signed in",
		Long:  "List the browsers that are signed in; charmd browsers signout ends that of one, or of all.",
		Args:  a.subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			list, err := c.SignIns(cmd.Context())
			if err != nil {
				return err
			}
			list = append([]api.SignIn{}, list...) // null is no list
			return a.result(list, func() { a.printBrowsers(list) })
		},
	}
	cmd.AddCommand(a.signOutCommand())
	return cmd
}

func (a *app) signOutCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "signout ID | --all",
		Short: "Sign a browser out, or all of them",
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) == 1) || len(args) > 1 {
				return charm.Errorf(charm.CodeUsage, "%s needs the id of one browser, or --all", cmd.CommandPath()).WithHint("charmd browsers lists them")
			}
			c, err := a.daemon(cmd)
			if err != nil {
				return err
			}
			id := ""
			if !all {
				id = args[0]
			}
			done, err := c.SignOut(cmd.Context(), id)
			if err != nil {
				return err
			}
			return a.result(done, func() { a.print("signed out: %s", explain.Count(done.Browsers, "browser")) })
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all browsers")
	return cmd
}

func (a *app) printBrowsers(list []api.SignIn) {
	if len(list) == 0 {
		a.print("No browser is signed in; charmd open signs one in.")
		return
	}
	var rows [][]cell
	for _, in := range list {
		rows = append(rows, []cell{plain(in.ID), plain(a.relative(&in.Since)), plain(a.relative(&in.Seen)), plain(in.Browser)})
	}
	a.table([]string{"ID", "SIGNED IN", "LAST SEEN", "BROWSER"}, rows)
}
