package runcharm

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/pool"
	"charmd/internal/recipe"
	"charmd/internal/wire"
)

// result judges what a worker sent, or how it ended without sending anything.
func (a *attempt) result(out wire.Result, exit pool.Exit) Result {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := Result{
		Outcome: charm.OK, Space: a.space, Mark: a.mark, Report: out.Report, Requests: a.requests, Trial: a.trial, Asked: a.asked, Ledger: a.sent.all(), CPU: out.CPU, PeakBytes: out.PeakBytes,
		Walls: exit.Walls, Started: exit.Dispatched, Ended: exit.Ended,
	}
	if r.Started.IsZero() {
		r.Started = a.started
	}
	if out.Refused > 0 { // in the worker, which did not ask: they came after all others
		a.limited, a.blame, a.account, a.notBefore = true, "", "", time.Time{}
	}
	switch exit.Kind {
	case pool.Done:
		a.finished(&r, out)
	case pool.TimedOut:
		r.fail(charm.TimedOut, charm.CodeTimeout, fmt.Sprintf("still running after %s", charm.ShortDuration(a.work.Timeout)))
	case pool.OutOfMemory:
		r.fail(charm.OutOfMemory, charm.CodeMemory, "the run needed more memory than a charm may have")
	case pool.Crashed:
		r.fail(charm.Crashed, charm.CodeCrashed, "the worker process died: "+exit.Detail)
	case pool.Protocol:
		r.fail(charm.Crashed, charm.CodeProtocol, "the worker process broke the protocol: "+exit.Detail)
	case pool.Cancelled:
		r.fail(charm.Cancelled, charm.CodeCancelled, "cancelled while it was running")
	case pool.NotDispatched:
		r.fail(charm.Lost, charm.CodeUnavailable, "no worker process could take it: "+exit.Detail)
	}
	r.Read = a.versions(out, exit)
	if r.Outcome == charm.OK {
		a.draft(&r, out)
	}
	if r.Draft != nil {
		r.Read = slices.DeleteFunc(r.Read, r.Draft.Changing)
	}
	a.noteLifts(out)
	if r.WroteNothing() {
		a.note("info", fmt.Sprintf("the run made %s and wrote nothing", requests(r.Requests)))
	}
	r.Log = a.log.String()
	return r
}

func (r *Result) fail(o charm.Outcome, code charm.ErrorCode, message string) {
	if len(message) > charm.MaxErrorBytes {
		message = strings.ToValidUTF8(message[:charm.MaxErrorBytes], "") + " …"
	}
	r.Outcome, r.Code, r.Error = o, code, message
}

// finished judges a run that came to rest in the worker.
func (a *attempt) finished(r *Result, out wire.Result) {
	handler := slices.IndexFunc(out.Report.Failures, func(f wire.Failure) bool { return f.Kind == "handler" })
	switch {
	case out.Ended == wire.OutOfMemory:
		r.fail(charm.OutOfMemory, charm.CodeMemory, "the run needed more memory than a charm may have")
	case out.Ended == wire.LoadFailed && out.Load != nil:
		a.failBy(r, charm.CodeCompile, *out.Load)
		r.Outcome, r.Permanent = charm.Errored, true
	case out.Ended == wire.EndedEarly:
		a.endedEarly(r, out)
	case handler >= 0:
		a.failBy(r, charm.CodeThrown, out.Report.Failures[handler])
	case len(out.Rejections) > 0:
		a.failBy(r, charm.CodeRejection, out.Rejections[0])
	case out.Ended == wire.NeverSettles && out.Report.Stuck == nil, out.Ended == wire.LoadFailed:
		r.fail(charm.Crashed, charm.CodeProtocol, "the worker process broke the protocol: it does not say what failed")
	case out.Ended == wire.NeverSettles:
		stuck := out.Report.Stuck
		a.failBy(r, charm.CodeNeverSettles, wire.Failure{Of: stuck.Name, Stack: stuck.Stack,
			Message: fmt.Sprintf("the promise of %s can never settle: nothing is left that it could wait for", describe(stuck))})
	case a.work.Mode == wire.ModeEvent && !out.Report.Handled && a.work.Lane:
		r.fail(charm.Errored, charm.CodeNotFound, "the charm has nothing any more that takes this")
	case a.work.Mode == wire.ModeEvent && len(a.work.Stream) > 0 && !out.Report.Handled:
		r.fail(charm.Errored, charm.CodeNoUpdater, fmt.Sprintf("the result has no %s stream with a handler", strings.Join(a.work.Stream, ".")))
		r.Permanent = true
	}
}

func describe(s *wire.Stuck) string {
	if s.Name == "" {
		return "the " + s.What
	}
	return "the " + s.What + " " + s.Name
}

func (a *attempt) endedEarly(r *Result, out wire.Result) {
	reason := out.Reason
	if reason == nil {
		reason = &wire.Failure{Kind: wire.ReasonRuntime, Message: "the run ended early"}
	}
	switch reason.Kind {
	case wire.ReasonTimeout:
		r.fail(charm.TimedOut, charm.CodeTimeout, fmt.Sprintf("still running after %s", charm.ShortDuration(a.work.Timeout)))
	case wire.ReasonHost:
		r.fail(charm.Lost, charm.CodeUnavailable, reason.Message)
	case wire.ReasonLimit:
		r.fail(charm.Errored, charm.CodeTooLarge, reason.Message)
	default:
		a.failBy(r, charm.CodeInternal, *reason)
	}
}

// failBy makes r the failure f of recipe code, at its place in the source. When
// the request before it had failed by the other side's fault, so did the run.
func (a *attempt) failBy(r *Result, code charm.ErrorCode, f wire.Failure) {
	if a.account != "" {
		r.fail(charm.NeedsReconnect, charm.CodeReconnect, a.account)
		return
	}
	outcome := charm.Errored
	message := f.Message
	if f.Name != "" && f.Name != "Error" {
		message = f.Name + ": " + message
	}
	if a.blame != "" {
		outcome = charm.Remote
		if !strings.Contains(message, a.blame) {
			message = fmt.Sprintf("%s (after: %s)", message, a.blame)
		}
	}
	if a.limited {
		code = charm.CodeEgressLimit
	}
	r.NotBefore = a.notBefore
	r.fail(outcome, code, message)
	r.Position, r.Handler = a.position(f.Stack), f.Of
}

// position is the place in the recipe's source a stack leads to, "" for none.
func (a *attempt) position(stack string) string {
	m := a.runner.sourceMap(a.recipe)
	if m == nil {
		return ""
	}
	p, ok := m.Position(stack)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s:%d:%d", path.Base(p.File), p.Line, p.Column)
}

// mostMaps bounds how many source maps are kept parsed.
const mostMaps = 256

func (r *Runner) sourceMap(rec charm.Recipe) *recipe.Map {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m, ok := r.maps[rec.ID]; ok {
		return m
	}
	m, err := recipe.ParseMap(rec.SourceMap, rec.Name)
	if err != nil {
		r.logger.Warn("the source map of a recipe cannot be read; errors have no positions", "recipe", rec.ID, "err", err)
		m = nil
	}
	if len(r.maps) >= mostMaps {
		clear(r.maps)
	}
	r.maps[rec.ID] = m
	return m
}

// noteLifts writes failures of lifts to the run's log: they do not fail the run,
// the rest of the graph goes on without their values.
func (a *attempt) noteLifts(out wire.Result) {
	for _, f := range out.Report.Failures {
		if f.Kind != "lift" {
			continue
		}
		text := strings.TrimPrefix(f.Name+": "+f.Message, ": ")
		if at := a.position(f.Stack); at != "" {
			text += " (" + at + ")"
		}
		what := "lift"
		if f.Of != "" {
			what += " " + f.Of
		}
		a.note("error", what+" failed: "+text)
	}
}

// note adds a line of the service's own to the log, at the time of its last one.
func (a *attempt) note(level, text string) {
	at := max(a.log.last, a.started.UnixMilli())
	a.log.add([]wire.LogLine{{At: at, Level: level, Text: text}})
}

// WroteNothing reports whether the run ended well, asked others for something and
// changed nothing, so that a person may wonder what it was for.
func (r Result) WroteNothing() bool {
	return r.Outcome == charm.OK && r.Requests > 0 && r.Draft == nil
}

func requests(n int) string {
	if n == 1 {
		return "1 request"
	}
	return fmt.Sprintf("%d requests", n)
}

// versions is what the run saw: what the worker says it looked at, or all it was
// given when it did not live to say. A failure may come from stale documents, so
// they matter whatever the outcome.
func (a *attempt) versions(out wire.Result, exit pool.Exit) []memory.Version {
	var seen []memory.Version
	if exit.Kind != pool.Done {
		return slices.AppendSeq(seen, maps.Values(a.served))
	}
	for _, id := range out.Read {
		if v, ok := a.served[id]; ok {
			seen = append(seen, v)
		}
	}
	return seen
}

// draft checks the changeset and makes it a transaction.
func (a *attempt) draft(r *Result, out wire.Result) {
	changes := make([]memory.Change, 0, len(out.Changed))
	for _, doc := range out.Changed {
		version, ok := a.served[doc.ID]
		if !ok {
			r.fail(charm.Crashed, charm.CodeProtocol, fmt.Sprintf("the worker changed document %s, which it was not given", doc.ID))
			return
		}
		v, err := jsontext.Parse(doc.Text, jsontext.DefaultLimits)
		if err != nil {
			r.fail(charm.Crashed, charm.CodeProtocol, fmt.Sprintf("the worker sent document %s broken: %v", doc.ID, err))
			return
		}
		if !isDocument(v) {
			r.fail(charm.Crashed, charm.CodeProtocol, fmt.Sprintf("the worker sent something as document %s that is none", doc.ID))
			return
		}
		changes = append(changes, memory.Assert(version.Of, version.Cause(), v))
	}
	if len(changes) == 0 {
		return
	}
	draft, err := memory.NewDraft(a.space, a.runner.memory.Issuer(), changes, map[string]string{"run": a.work.Run}, a.runner.now())
	if err != nil {
		r.fail(charm.Errored, charm.CodeTooLarge, err.Error())
		return
	}
	r.Draft = draft
}

// isDocument reports whether v has the stored form of a document: value and
// source, and nothing else.
func isDocument(v any) bool {
	o, ok := v.(*jsontext.Object)
	if !ok {
		return false
	}
	for key := range o.All() {
		if key != "value" && key != "source" {
			return false
		}
	}
	return true
}
