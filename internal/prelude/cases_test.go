package prelude_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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

// played is what came of a case. The original keeps a charm alive between actions; here every
// action is a run of its own on the stored documents, as in the service.
type played struct {
	*machine
	name      string
	errors    []string
	logs      []string
	fetches   []any
	snapshots map[string]any
	reloaded  map[string]any
}

func TestRecordedCases(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/runtime.json")
	check(t, err)
	var file struct{ Cases []recorded }
	decode(t, string(text), &file)
	unused := maps.Clone(differences)
	for _, c := range file.Cases {
		difference, differs := differences[c.Name]
		delete(unused, c.Name)
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			p := play(t, c, false)
			if strings.Contains(c.Recipe, ".map(") {
				if diff := cmp.Diff(play(t, c, true).docs, p.docs); diff != "" {
					t.Errorf("rows that sleep (-awake +asleep):\n%s", diff)
				}
			}
			asRecorded := p.compare(t, c.Expect)
			if !differs {
				if asRecorded != "" {
					t.Error(asRecorded)
				}
				return
			}
			if asRecorded == "" {
				t.Fatalf("this case is as recorded now; take it out of the table (%s)", difference.why)
			}
			instead := maps.Clone(c.Expect)
			for field, value := range difference.instead {
				instead[field] = json.RawMessage(value)
				if value == "" {
					delete(instead, field)
				}
			}
			if diff := p.compare(t, instead); diff != "" {
				t.Errorf("(%s)\n%s", difference.why, diff)
			}
		})
	}
	for name := range unused {
		t.Errorf("there is no case %q", name)
	}
}

// play plays a case; wakeful keeps rows from sleeping.
func play(t *testing.T, c recorded, wakeful bool) *played {
	t.Helper()
	h := newHost()
	if c.FetchStub != nil {
		h.replies = c.FetchStub
	}
	h.docs[linkedID] = `{"value":{"a":1,"b":{"x":2}}}`
	p := &played{machine: load(t, c.Recipe, h), name: "cause-" + c.Name, snapshots: map[string]any{}}
	p.wakeful = wakeful
	if !p.loaded.OK {
		return p
	}
	argument := c.Argument
	if c.ArgumentFrom == "wholeCell" {
		argument = map[string]any{"cell": map[string]string{"/": linkedID}, "path": []string{}}
	}
	p.note(p.cast(t, p.name, argument))
	for _, a := range c.Actions {
		p.act(t, a)
	}
	return p
}

func (p *played) note(r report) {
	for _, f := range r.Failures {
		p.errors = append(p.errors, f.Message)
	}
	for _, line := range r.logs {
		if _, text, ok := strings.Cut(line, " L:"); ok {
			p.logs = append(p.logs, text)
		}
	}
	for _, r := range p.requests {
		p.fetches = append(p.fetches, map[string]any{"url": strings.TrimPrefix(r.URL, apiURL), "method": r.Method})
	}
}

// awake is how much a run logs and reports before its event: the original, alive between actions,
// did that earlier.
func (p *played) awake(t *testing.T) func(report) report {
	t.Helper()
	before := maps.Clone(p.docs)
	quiet := p.settle(t, p.name)
	p.docs = before
	return func(r report) report {
		r.logs = r.logs[len(quiet.logs):]
		return r
	}
}

func (p *played) act(t *testing.T, a action) {
	t.Helper()
	switch a.Op {
	case "send", "sendIdle":
		alive := p.awake(t)
		p.note(alive(p.send(t, p.name, a.Stream, a.Event)))
	case "sendMany":
		for _, event := range a.Events {
			p.act(t, action{Op: "send", Stream: a.Stream, Event: event})
		}
	case "setArg":
		p.write(t, processID(p.name), append([]string{"argument"}, a.Path...), a.Value)
		p.note(p.settle(t, p.name))
	case "setResult":
		p.write(t, charmID(p.name).Link(), a.Path, a.Value)
		// A cell that a lift computes would be computed anew by a run: then the write would be gone.
		if a.Label != "renamed" {
			p.note(p.settle(t, p.name))
		}
	case "reload":
		// The recorded result is the one from before.
		logs, docs := p.logs, maps.Clone(p.docs)
		p.logs = nil
		p.note(p.settle(t, p.name))
		p.reloaded = map[string]any{"loadLogs": list(p.logs), "afterLoad": p.result(t, p.name), "errors": []any{}}
		for _, inner := range a.Actions {
			p.act(t, inner)
		}
		p.reloaded["logs"], p.logs = list(p.logs), logs
		p.reloaded["result"], p.reloaded["docCount"] = p.result(t, p.name), p.count()
		p.docs = docs
	case "wait":
	default:
		t.Fatalf("unknown action %q", a.Op)
	}
	if a.Label != "" {
		p.snapshots[a.Label] = p.result(t, p.name)
	}
}

// The original's space also has three lists of charms and an empty document with the recipe's id.
func (p *played) count() any {
	const listsAndRecipe, linked = 4, 1
	return float64(len(p.docs) + listsAndRecipe - linked)
}

// compare returns how the case differs from what is expected; "" if it does not.
func (p *played) compare(t *testing.T, expect map[string]json.RawMessage) string {
	t.Helper()
	n := p.namesOf(p.name)
	var out strings.Builder
	for _, field := range slices.Sorted(maps.Keys(expect)) {
		want := n.of(t, expect[field])
		var got any
		switch field {
		case "result":
			got = p.result(t, p.name)
		case "process":
			got = p.raw(t, processID(p.name))
		case "docs":
			got = p.others(t, n)
		case "snapshots":
			got = any(p.snapshots)
		case "recipe":
			var v any
			decode(t, string(p.loaded.Recipe), &v)
			want, got = codeless(want), codeless(v)
		case "errors":
			got = list(p.errors)
		case "logs":
			got = list(p.logs)
		case "fetches":
			got = p.fetches
		case "uiStored":
			want, got = codeless(want), codeless(p.raw(t, charmID(p.name).Link()).(map[string]any)["$UI"])
		case "linkedStored":
			got = p.raw(t, linkedID)
		case "reload":
			got = any(p.reloaded)
		case "docCount":
			// No action but a reload follows the cast where this is asked for, and ours adds no documents.
			got = p.count()
		case "hang":
			// The recommendation instead: the run has ended, and said what failed.
			want, got = true, len(p.errors) > 0
		case "compileError", "compileDetail":
			want, got = true, strings.Contains(p.loaded.Error.Message, firstText(want))
		case "secondResult":
			p.cast(t, "second", map[string]any{})
			got = p.result(t, "second")
		default:
			t.Fatalf("unknown expectation %q", field)
		}
		if diff := cmp.Diff(want, got, hashesOfRequests); diff != "" {
			out.WriteString(field + " (-want +got):\n" + diff)
		}
	}
	return out.String()
}

// Where a placeholder stands for no document it is a hash of a request.
var hashesOfRequests = cmp.FilterValues(func(a, b string) bool {
	return strings.HasPrefix(a, "<doc") || strings.HasPrefix(b, "<doc")
}, cmp.Comparer(func(a, b string) bool { return strings.HasPrefix(a, "ba4jc") || strings.HasPrefix(b, "ba4jc") }))

func firstText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		if len(v) > 0 {
			return firstText(v[0])
		}
	}
	return ""
}

func list(texts []string) []any {
	out := make([]any, len(texts))
	for i, text := range texts {
		out[i] = text
	}
	return out
}
