package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	cells "charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/config"
	"charmd/internal/egress"
	"charmd/internal/explain"
	"charmd/internal/jsontext"
	"charmd/internal/observe"
	"charmd/internal/trial"
)

// testFlags are the flags of test as they were typed.
type testFlags struct {
	argument, stream, timeout, replies, record, at string
	events, expect, allowHosts                     []string
}

func (a *app) testCommand() *cobra.Command {
	var f testFlags
	cmd := &cobra.Command{
		Use:   "test FILE.tsx",
		Short: "Try a recipe: run its code and show what it would change",
		Long: "Make a charm of a recipe, send it events, and show what each changes, prints and asks for. The code\n" +
			"runs in a worker process as in the service, but no daemon is needed and nothing is kept. The exit code\n" +
			"is 6 when a run fails or an expectation is not met.\n\n" +
			"Requests are made for real, with what add --allow-host would allow. With --replies they are answered\n" +
			"from a file, and one that is not in it is an error: a list of objects with url, and as needed method,\n" +
			"status, headers (pairs) and body (a text, or JSON as it is). --record writes such a file.",
		Example: "  charmd test counter.tsx\n" +
			"  charmd test news.tsx --argument @argument.json --record replies.json\n" +
			"  charmd test news.tsx --argument @argument.json --replies replies.json --expect 'items/0/title=\"Hello\"'\n" +
			"  charmd test todo.tsx --stream addItem --event '{\"title\":\"milk\"}' --event '{\"title\":\"bread\"}'",
		Args: exactly(1, "the recipe's file, such as news.tsx"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.test(cmd, args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.argument, "argument", "", "the recipe's argument as `JSON`, or @FILE, or @- for standard input")
	flags.StringVar(&f.stream, "stream", "", "the stream to send to, its `PATH` from the result (default bgUpdater)")
	flags.StringArrayVar(&f.events, "event", nil, "an event as `JSON`; may be repeated, and each is a run (default {})")
	flags.StringArrayVar(&f.expect, "expect", nil, "what a cell is to hold in the end, `PATH=JSON`; may be repeated")
	flags.StringVar(&f.replies, "replies", "", "answer requests from this `FILE`, and none by the network")
	flags.StringVar(&f.record, "record", "", "write the replies that came to this `FILE`, without secrets")
	flags.StringArrayVar(&f.allowHosts, "allow-host", nil, "a private `HOST[:PORT]` that it may reach; may be repeated")
	flags.StringVar(&f.timeout, "timeout", "", "wall time of one run, a `DURATION` of at most 10m (default 30s)")
	flags.StringVar(&f.at, "at", "", "what the clock says at the begin, a `TIME` such as 2026-03-01T12:00:00Z (default now)")
	return cmd
}

func (a *app) test(cmd *cobra.Command, file string, f testFlags) error {
	from, err := readRecipe(file)
	if err != nil {
		return err
	}
	o, expect, err := a.trialOptions(cmd, f)
	if err != nil {
		return err
	}
	o.Entry, o.Files = from.entry, from.files
	report, err := trial.Run(cmd.Context(), o)
	if err != nil {
		return from.explain(err)
	}
	if report.Unmet, err = trial.Unmet(report.Result, expect); err != nil {
		return err
	}
	failed := report.Made
	if n := len(report.Events); n > 0 {
		failed = report.Events[n-1]
	}
	report.OK = failed.Outcome == charm.OK && len(report.Unmet) == 0
	if f.record != "" {
		if err := writeReplies(f.record, report.Recorded); err != nil {
			return err
		}
	}
	if err := a.result(report.Tried, func() { a.printTried(report.Tried) }); err != nil {
		return err
	}
	switch {
	case failed.Outcome != charm.OK:
		return charm.Errorf(charm.CodeRunFailed, "%s ended with outcome %s%s", report.File, failed.Outcome,
			because(api.Run{Error: failed.Error, Position: failed.Position, Handler: failed.Handler}))
	case !report.OK:
		return charm.Errorf(charm.CodeRunFailed, "%s: %s not met", report.File, expectations(len(report.Unmet)))
	}
	return nil
}

func expectations(n int) string {
	if n == 1 {
		return "1 expectation is"
	}
	return explain.Count(n, "expectation") + " are"
}

// trialOptions judges the flags.
func (a *app) trialOptions(cmd *cobra.Command, f testFlags) (o trial.Options, expect []trial.Expectation, err error) {
	cfg, err := a.load(cmd, config.WorkerExe, config.EgressProxy, config.AllowHosts)
	if err != nil {
		return o, nil, err
	}
	proxy, err := cfg.EgressProxy()
	if err != nil {
		return o, nil, err
	}
	if err := timeoutFlag(f.timeout); err != nil {
		return o, nil, err
	}
	o = trial.Options{AllowHosts: slices.Concat(f.allowHosts, cfg.AllowHosts), Proxy: proxy, Timeout: 30 * time.Second, WorkerExe: cfg.WorkerExe, Now: a.now,
		Logger: observe.NewLogger(a.err, a.logForm(), cfg.LogLevel)}
	if f.timeout != "" {
		o.Timeout, _ = time.ParseDuration(f.timeout) // it is one
	}
	if f.stream != "" {
		o.Stream = cells.ParsePath(f.stream)
	}
	if f.at != "" {
		at, err := time.Parse(time.RFC3339, f.at)
		if err != nil {
			return o, nil, charm.Errorf(charm.CodeUsage, "bad value %q for --at", f.at).WithHint("allowed: a time such as 2026-03-01T12:00:00Z")
		}
		o.Now = func() time.Time { return at }
	}
	for _, host := range f.allowHosts {
		if err := egress.CheckAllowHost(host); err != nil {
			return o, nil, charm.Errorf(charm.CodeUsage, "--allow-host: %w", err)
		}
	}
	if o.Argument, err = a.argument(f.argument); err != nil {
		return o, nil, err
	}
	for _, text := range f.events {
		event, err := jsonValue("--event", []byte(text))
		if err != nil {
			return o, nil, err
		}
		o.Events = append(o.Events, event)
	}
	for _, text := range f.expect {
		path, want, ok := strings.Cut(text, "=")
		if !ok {
			return o, nil, charm.Errorf(charm.CodeUsage, "bad value %q for --expect", text).WithHint("allowed: PATH=JSON, such as items/0/title='\"Hello\"'")
		}
		value, err := jsonValue("--expect "+path, []byte(want))
		if err != nil {
			return o, nil, err
		}
		expect = append(expect, trial.Expectation{Path: path, Want: value})
	}
	if f.replies != "" {
		o.Offline = true
		o.Replies, err = readReplies(f.replies)
	}
	return o, expect, err
}

// mostReplies is how large a file of replies may be, bytes.
const mostReplies = 64 << 20

func readReplies(file string) (list []egress.Recorded, err error) {
	f, err := opened(file)
	if err != nil {
		return nil, fmt.Errorf("--replies: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostReplies))
	if err == nil {
		err = jsontext.CheckDepth(text, charm.MaxDepth)
	}
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		err = d.Decode(&list)
	}
	if err != nil {
		return nil, charm.Errorf(charm.CodeUsage, "--replies %s: %w", file, err).
			WithHint(`it holds a list like [{"url":"https://example.org/feed.xml","headers":[["content-type","text/xml"]],"body":"<rss/>"}]`)
	}
	return list, nil
}

func writeReplies(file string, list []egress.Recorded) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if list == nil {
		list = []egress.Recorded{}
	}
	err := e.Encode(list)
	if err == nil {
		err = os.WriteFile(file, text.Bytes(), 0o666)
	}
	if err != nil {
		return charm.Errorf(charm.CodeInvalid, "--record: %w", err)
	}
	return nil
}

func (a *app) printTried(t api.Tried) {
	a.printTriedRun(t.File, "made", t.Made)
	for _, run := range t.Events {
		a.printTriedRun("event", string(run.Event), run)
	}
	if len(t.Events) == 0 && t.Made.Outcome == charm.OK {
		a.print("nothing was sent: the result has no bgUpdater; --stream names another stream")
	}
	if t.Result != nil {
		a.print("result")
		a.printResult(t.Result)
	}
	for _, u := range t.Unmet {
		a.rows([][]cell{{plain(u.Path), tinted(good, string(u.Want)), plain("was expected, and there is"), tinted(bad, shown(u.Got))}}, 0)
	}
}

func (a *app) printTriedRun(what, of string, r api.TriedRun) {
	a.rows([][]cell{{tinted(strong, what), plain(of), tinted(statusColour(string(r.Outcome)), string(r.Outcome)), plain(explain.Took(r.DurationMs))}}, 0)
	a.fields(
		field{"  message", tinted(bad, firstLine(r.Error))},
		field{"  position", plain(r.Position)},
		field{"  handler", plain(r.Handler)},
	)
	a.printAsked(r.Requests)
	a.printLog(r.Log)
	a.printDocuments(r.Documents)
	if r.Again {
		a.print("  it asks to run again at once")
	}
}
