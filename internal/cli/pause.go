package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/observe"
)

func (a *app) pauseCommand() *cobra.Command {
	var req api.PauseRequest
	cmd := &cobra.Command{
		Use:   "pause [SPACE[/CHARM]]",
		Short: "Keep charms from running by themselves for a while",
		Long: "Keep charms from running by themselves until they are resumed: a charm, a space, an\n" +
			"integration, or everything. Runs that have begun end, and charmd run still runs a charm.\n" +
			"What becomes due meanwhile is one run after charmd resume.",
		Example: "  charmd pause feeds/news\n" +
			"  charmd pause --integration gmail --note 'quota is used up until Monday'\n" +
			"  charmd pause --all",
		Args: atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onPause(cmd, args, req, "paused", (*client.Client).Pause)
		},
	}
	pauseTarget(cmd, &req)
	cmd.Flags().StringVar(&req.Note, "note", "", "a `TEXT` for those who wonder why")
	return cmd
}

func (a *app) resumeCommand() *cobra.Command {
	var req api.PauseRequest
	cmd := &cobra.Command{
		Use:   "resume [SPACE[/CHARM]]",
		Short: "Let what was paused run again",
		Long:  "End a pause. Each pause is ended by itself: a charm stays paused while its space is.",
		Args:  atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onPause(cmd, args, req, "resumed", (*client.Client).Resume)
		},
	}
	pauseTarget(cmd, &req)
	return cmd
}

func pauseTarget(cmd *cobra.Command, req *api.PauseRequest) {
	cmd.Flags().BoolVar(&req.All, "all", false, "everything")
	cmd.Flags().StringVar(&req.Integration, "integration", "", "the charms of the integration `NAME`")
}

func (a *app) onPause(cmd *cobra.Command, args []string, req api.PauseRequest, done string, do func(*client.Client, context.Context, api.PauseRequest) (api.Pause, error)) error {
	named := 0
	for _, is := range []bool{len(args) == 1, req.All, req.Integration != ""} {
		if is {
			named++
		}
	}
	if named != 1 {
		return charm.Errorf(charm.CodeUsage, "%s needs one of SPACE, SPACE/CHARM, --integration or --all", cmd.CommandPath()).
			WithHint("charmd status lists what is paused")
	}
	c, err := a.daemon(cmd)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		req.Space, req.Charm, _ = strings.Cut(args[0], "/")
	}
	p, err := do(c, cmd.Context(), req)
	if err != nil {
		return err
	}
	return a.result(p, func() { a.print("%s %s", done, observe.Line(p.What())) })
}

// paused says since when and why something is paused; "" when it is not.
func (a *app) paused(p *api.Pause) string {
	if p == nil {
		return ""
	}
	text := p.What()
	if when := a.relative(&p.Since); when == "now" {
		text += " (just now)"
	} else if when != "" {
		text += " (" + when + ")"
	}
	if p.Note != "" {
		text += ": " + firstLine(p.Note)
	}
	return text
}
