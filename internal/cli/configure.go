package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/egress"
)

func (a *app) configureCommand() *cobra.Command {
	var req api.ConfigureRequest
	var priority int
	cmd := &cobra.Command{
		Use:   "configure SPACE/CHARM",
		Short: "Change how a charm is run: its timeout, private hosts, integration, priority",
		Long: "Change how a charm is run. What no flag names stays as it is. It counts from the next run\n" +
			"on; a run in flight goes on as it began. When a charm runs is changed by schedule; show says\n" +
			"how it is.",
		Example: "  charmd configure home/news --timeout 2m\n" +
			"  charmd configure home/lights --allow-host 192.168.1.20 --remove-host 192.168.1.10",
		Args: exactly(1, charmArgument),
	}
	do := a.onCharm(func(ctx context.Context, c *client.Client, ref client.Ref, _ []string) error {
		done, err := c.Configure(ctx, ref, req)
		if err != nil {
			return err
		}
		return a.result(done, func() { a.printConfigured(done) })
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("priority") {
			req.Priority = &priority
		}
		if err := checkConfigure(req); err != nil {
			return err
		}
		return do(cmd, args)
	}
	flags := cmd.Flags()
	flags.StringVar(&req.Timeout, "timeout", "", "wall time of one run, a `DURATION` of at most 10m, or default for the service's")
	flags.StringArrayVar(&req.AllowHosts, "allow-host", nil, "a private `HOST[:PORT]` that it may reach besides; may be repeated")
	flags.StringArrayVar(&req.RemoveHosts, "remove-host", nil, "a private `HOST[:PORT]` that it may reach no more; may be repeated")
	flags.StringVar(&req.Integration, "integration", "", "the `NAME` it is registered under")
	flags.IntVar(&priority, "priority", 0, "`N` from -100 to 100: charms with a higher one go first in their space")
	flags.StringVar(&req.Probe, "probe", "", "`auto` or never: whether the service tries it again that failures disabled")
	return cmd
}

// checkConfigure judges the flags, so that a mistake costs no round trip.
func checkConfigure(req api.ConfigureRequest) error {
	if req.Empty() {
		return charm.Errorf(charm.CodeUsage, "configure needs something to change").
			WithHint("charmd configure --help lists what can be; charmd schedule changes when it runs")
	}
	if req.Timeout != "default" {
		if err := timeoutFlag(req.Timeout); err != nil {
			return err
		}
	}
	if req.Probe != "" && req.Probe != "auto" && req.Probe != "never" {
		return charm.Errorf(charm.CodeUsage, "bad value %q for --probe", req.Probe).WithHint("allowed: auto, never")
	}
	for _, host := range req.AllowHosts {
		if err := egress.CheckAllowHost(host); err != nil {
			return fmt.Errorf("--allow-host: %w", err)
		}
	}
	return nil
}

func (a *app) printConfigured(c api.Configured) {
	a.rows([][]cell{{tinted(strong, c.Charm)}}, 0)
	a.fields(
		field{"  timeout", plain(c.Timeout)}, field{"  may reach", plain(strings.Join(c.AllowHosts, ", "))}, field{"  integration", plain(c.Integration)},
		field{"  priority", plain(strconv.Itoa(c.Priority))}, field{"  probe", plain(c.Probe)},
	)
}
