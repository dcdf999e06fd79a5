package cli

import (
	"context"
	"strconv"
	"strings"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/explain"
)

// runEgress is runs ID --egress.
func (a *app) runEgress(ctx context.Context, c *client.Client, args []string) error {
	if len(args) == 0 || !runID.MatchString(args[0]) {
		return charm.Errorf(charm.CodeUsage, "--egress needs the id of a run").WithHint("charmd runs lists them")
	}
	run, err := c.RunRecord(ctx, args[0])
	if err != nil {
		return err
	}
	list := append([]charm.Request{}, run.Egress...) // null is no list
	return a.result(list, func() { a.printEgress(run) })
}

func (a *app) printEgress(run api.Run) {
	if run.Requests == 0 {
		a.print("It made no requests.")
		return
	}
	var rows [][]cell
	for _, r := range run.Egress {
		tint := normal
		if r.Error != "" {
			tint = bad
		}
		rows = append(rows, []cell{
			plain(strings.Join(append(r.Via, r.Host), " → ")), plain(address(r)), tinted(tint, r.Verdict), plain(status(r.Status)),
			plain(explain.Size(r.BytesOut)), plain(explain.Size(r.BytesIn)), plain(explain.Took(r.TookMs)), plain(r.Method + " " + r.URL), plain(r.Error),
		})
	}
	a.table([]string{"HOST", "ADDRESS", "VERDICT", "STATUS", "SENT", "RECEIVED", "TOOK", "REQUEST", "ERROR"}, rows)
	if more := run.Requests - len(run.Egress); more > 0 {
		a.print("and %s more: not kept, or given the reply of an earlier attempt", explain.Count(more, "request"))
	}
}

// address is what was connected to, and by which proxy.
func address(r charm.Request) string {
	switch r.Proxy {
	case "":
		return r.Address
	case r.Address:
		return "by " + r.Proxy
	}
	return r.Address + " by " + r.Proxy
}

// status is an HTTP status, "" for none.
func status(code int) string {
	if code == 0 {
		return ""
	}
	return strconv.Itoa(code)
}
