package runcharm_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/merkle"
	"charmd/internal/runcharm"
	"charmd/internal/wire"
)

// recorded is a case that was played with the original runtime; testdata/runtime.json says how.
type recorded struct {
	Name         string
	Recipe       string
	Argument     any
	ArgumentFrom string
	FetchStub    map[string]reply
	Actions      []action
	Expect       map[string]json.RawMessage
}

type action struct {
	Op, Stream, Label string
	Path              []string
	Value, Event      any
	Events            []any
	Actions           []action
}

// TestRuntimeCases plays recorded cases in worker processes and on a real store, and compares all
// that a case says. CHARMD_CASES names another file of the same form.
func TestRuntimeCases(t *testing.T) {
	t.Parallel()
	files, shipped := []string{"testdata/runtime.json", "testdata/ours.json"}, true
	if other := os.Getenv("CHARMD_CASES"); other != "" {
		if !filepath.IsAbs(other) {
			other = filepath.Join("../..", other) // from where go test is called
		}
		files, shipped = []string{other}, false
	}
	w := newWorld(t)
	unused := maps.Clone(differences)
	for _, file := range files {
		for _, c := range casesOf(t, file) {
			delete(unused, c.Name)
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				judge(t, w.play(t, c), c, shipped)
			})
		}
	}
	for name := range unused {
		if shipped {
			t.Errorf("there is no case %q", name)
		}
	}
}

func casesOf(t *testing.T, file string) []recorded {
	t.Helper()
	text, err := os.ReadFile(file)
	check(t, err)
	var book struct{ Cases []recorded }
	decode(t, string(text), &book)
	if len(book.Cases) == 0 {
		t.Errorf("%s has no cases", file)
	}
	return book.Cases
}

// judge compares a case with what was recorded or, where that differs on purpose, with what the
// table of differences says.
func judge(t *testing.T, p *played, c recorded, shipped bool) {
	t.Helper()
	difference, differs := differences[c.Name]
	asRecorded := p.compare(t, c.Expect)
	switch {
	case !differs && asRecorded != "":
		t.Error(asRecorded)
	case differs && asRecorded == "" && shipped:
		t.Fatalf("this case is as recorded now; take it out of the table (%s)", difference.why)
	case differs && asRecorded != "":
		instead := map[string]json.RawMessage{}
		if !difference.whole {
			maps.Copy(instead, c.Expect)
		}
		for field, value := range difference.instead {
			if instead[field] = json.RawMessage(value); value == "" {
				delete(instead, field)
			}
		}
		if diff := p.compare(t, instead); diff != "" {
			t.Errorf("(%s)\n%s", difference.why, diff)
		}
	}
}

// played is what came of a case. The original keeps a charm alive between actions; here every
// action is a run of its own on the stored documents, as in the service.
type played struct {
	*home
	name      string
	graph     string // the recipe as JSON
	failure   string // why it cannot be loaded; "" when it can
	errors    []string
	logs      []string
	fetches   []string // method and address
	snapshots map[string]any
	reloaded  map[string]any
	ended     *end // how it stood before it was taken up again
}

// graphMark begins the line in which a program logs the JSON of its recipe.
const graphMark = "the recipe is "

func (w *world) play(t *testing.T, c recorded) *played {
	t.Helper()
	h, err := w.newHome(t, c.Name, c.Recipe, c.Recipe+string(encoded(c)), c.FetchStub)
	p := &played{home: h, name: "cause-" + c.Name, snapshots: map[string]any{}}
	if err != nil {
		p.failure = err.Error()
		return p
	}
	h.recipe.Program += "\nconsole.debug('" + graphMark + "' + JSON.stringify(module.exports.default));"
	if r := p.cast(t, p.name, p.argument(t, c)); r.Outcome == charm.OK {
		p.keep(t, r, told{})
	} else {
		p.failure = r.Error
	}
	for _, a := range c.Actions {
		p.act(t, a)
	}
	return p
}

var linkedID = charmID("linked").Link()

// argument is what the recipe is cast with.
func (p *played) argument(t *testing.T, c recorded) any {
	t.Helper()
	link := map[string]any{"cell": map[string]string{"/": linkedID}, "path": []string{}}
	at := cell.Location{ID: linkedID}
	switch c.ArgumentFrom {
	case "wholeCell":
		p.write(t, at, map[string]any{"a": 1, "b": map[string]any{"x": 2}})
		return link
	case "linked":
		p.write(t, at, []any{map[string]any{"charmId": "one"}, map[string]any{"charmId": "two"}})
		link["space"] = p.space.DID // as every link that is made of a cell
		return map[string]any{"charms": link}
	}
	return c.Argument
}

func (p *played) cast(t *testing.T, name string, argument any) runcharm.Result {
	t.Helper()
	return p.attempt(t, runcharm.Work{Mode: wire.ModeCast, Charm: charm.Charm{ID: charmID(name).Link()}, Argument: encoded(argument)})
}

// send is a run for an event; without a stream everything is only computed anew.
func (p *played) send(t *testing.T, event any, stream ...string) runcharm.Result {
	t.Helper()
	work := runcharm.Work{Mode: wire.ModeEvent, Charm: charm.Charm{ID: charmID(p.name).Link()}, Stream: stream}
	if event != nil {
		work.Event = encoded(event)
	}
	return p.attempt(t, work)
}

// quiet is what a run tells without a cause: the original, alive between actions, told that earlier.
func (p *played) quiet(t *testing.T) told {
	t.Helper()
	return p.told(p.send(t, nil))
}

// keep commits a run and notes what it told, but for what it tells without its cause.
func (p *played) keep(t *testing.T, r runcharm.Result, before told) {
	t.Helper()
	now := p.told(r)
	p.errors = append(p.errors, without(now.errors, before.errors)...)
	p.logs = append(p.logs, without(now.logs, before.logs)...)
	p.fetches = append(p.fetches, without(now.fetches, before.fetches)...)
	p.commit(t, r)
}

// told is what a run lets others hear.
type told struct{ errors, logs, fetches []string }

func (p *played) told(r runcharm.Result) told {
	now := told{fetches: p.take()}
	for _, f := range r.Report.Failures {
		now.errors = append(now.errors, f.Message)
	}
	for line := range strings.Lines(r.Log) {
		if _, graph, ok := strings.Cut(line, graphMark); ok {
			p.graph = strings.TrimSuffix(graph, "\n")
		} else if _, text, ok := strings.Cut(line, " L:"); ok {
			now.logs = append(now.logs, strings.TrimSuffix(text, "\n"))
		}
	}
	return now
}

// without is list less the elements of some, each once.
func without(list, some []string) []string {
	some = slices.Clone(some)
	return slices.DeleteFunc(slices.Clone(list), func(text string) bool {
		i := slices.Index(some, text)
		if i >= 0 {
			some = slices.Delete(some, i, i+1)
		}
		return i >= 0
	})
}

func (p *played) act(t *testing.T, a action) {
	t.Helper()
	switch a.Op {
	case "send", "sendIdle":
		before := p.quiet(t)
		p.keep(t, p.send(t, a.Event, a.Stream), before)
	case "sendMany":
		for _, event := range a.Events {
			p.act(t, action{Op: "send", Stream: a.Stream, Event: event})
		}
	case "setArg":
		p.set(t, cell.Location{ID: p.process(), Path: append([]string{"argument"}, a.Path...)}, a.Value)
	case "setResult":
		p.set(t, cell.Location{ID: charmID(p.name).Link(), Path: a.Path}, a.Value)
	case "reload":
		p.reload(t, a.Actions)
	case "wait":
	default:
		t.Fatalf("unknown action %q", a.Op)
	}
	if a.Label != "" {
		p.snapshots[a.Label] = p.result(t, p.name)
	}
}

// set writes a value from outside. A lift runs in every run: where one had computed what was
// written over, a run would be too much, since in the original only those run that read it.
func (p *played) set(t *testing.T, at cell.Location, value any) {
	t.Helper()
	before := p.quiet(t)
	at = p.write(t, at, value)
	r := p.send(t, nil)
	if r.Draft != nil && !reflect.DeepEqual(p.seen(t, at, r.Draft.Changes...), p.seen(t, at)) {
		return
	}
	p.keep(t, r, before)
}

// reload notes what comes of the charm when it is taken up again. The recorded result is the one
// from before, so what the actions do is taken back.
func (p *played) reload(t *testing.T, actions []action) {
	t.Helper()
	logs, errors := p.logs, p.errors
	p.ended, p.logs, p.errors = p.end(t), nil, nil
	p.keep(t, p.send(t, nil), told{})
	reloaded := map[string]any{"loadLogs": list(p.logs), "afterLoad": p.result(t, p.name)}
	for _, inner := range actions {
		p.act(t, inner)
	}
	now := p.end(t)
	reloaded["logs"], reloaded["errors"], reloaded["result"], reloaded["docCount"] = list(p.logs), list(p.errors), now.result, now.count()
	p.logs, p.errors, p.reloaded = logs, errors, reloaded
}

func (p *played) process() string { return merkle.ProcessID(charmID(p.name)).Link() }

// result is a charm's result without its page.
func (p *played) result(t *testing.T, name string) any {
	t.Helper()
	value := p.seen(t, cell.Location{ID: charmID(name).Link()})
	if object, ok := value.(map[string]any); ok {
		delete(object, "$UI")
	}
	return value
}

func list(texts []string) []any {
	out := make([]any, len(texts))
	for i, text := range texts {
		out[i] = text
	}
	return out
}
