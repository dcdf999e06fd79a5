package runcharm_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"charmd/internal/blobby"
	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/runcharm"
	"charmd/internal/store"
	"charmd/internal/wire"
)

// put stores documents as somebody else's service left them.
func (h *home) put(t *testing.T, docs map[string]string) {
	t.Helper()
	h.update(t, func(tx store.Tx) error {
		space, err := tx.Space(h.space.DID)
		if err != nil {
			return err
		}
		seen := cell.NewSnapshot(tx, space)
		var changes []memory.Change
		for id, text := range docs {
			doc, err := jsontext.Parse([]byte(text), jsontext.DefaultLimits)
			if err != nil {
				return err
			}
			if _, err := seen.Document(id); err != nil {
				return err
			}
			changes = append(changes, memory.Assert(memory.Of(id), seen.Version(id).Cause(), doc))
		}
		draft, err := memory.NewDraft(space, h.memory.Issuer(), changes, nil, time.Now())
		if err != nil {
			return err
		}
		_, err = h.memory.Commit(tx, draft, nil)
		return err
	})
}

// notes counts and keeps items, as recipes of the time did.
const notes = `import { recipe, handler, cell, lift, derive, str, ID, NAME } from "@commontools/builder";
const schema = { type: "object", properties: { items: { type: "array", items: { type: "object", properties: { t: { type: "string" } } }, asCell: true }, first: { type: "object", properties: { t: {} } }, n: { asCell: true } } } as any;
const add = handler({}, schema, (e: any, s: any) => { s.n.set((s.n.get() ?? 0) + 1); s.items.push({ t: e.t ?? s.first?.t, [ID]: e.t }); });
export default recipe("notes", ({ title, pick }: any) => {
  const items = cell([] as any[]), hidden = cell({ last: "none" });
  const n = cell(0);
  return { [NAME]: str` + "`${title}: ${n}`" + `, items, n, count: lift((l: any) => l.length)(items), last: hidden.last, upper: items.map((i: any) => ({ up: lift((t: any) => t.toUpperCase())(i.t) })),
    bgUpdater: add({ items, n, first: pick }) };
});`

// Documents that the original made run on: internal names, a process document that is not the
// one that the charm's id makes, aliases with and without cells, paths of texts and numbers, links
// with and without spaces, and what stands in them by accident.
func TestStoredDocumentsRunOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h, err := w.newHome(t, "stored", notes, "", nil)
	check(t, err)
	result, process, item, lists := charmID("stored").Link(), charmID("another process").Link(), charmID("item").Link(), charmID("lists").Link()
	fill := strings.NewReplacer("@result", result, "@process", process, "@item", item, "@lists", lists, "@space", h.space.DID, "@recipe", h.recipe.ID)
	docs := map[string]string{
		result: `{"value":{"$NAME":{"$alias":{"path":["internal","$NAME"],"cell":{"/":"@process"}}},
			"items":{"$alias":{"cell":{"/":"@process"},"path":["internal","items"],"schema":{"type":"array"},"rootSchema":{"type":"array"}}},
			"n":{"$alias":{"cell":{"/":"@process"},"path":["internal","n"]}},"count":{"$alias":{"cell":{"/":"@process"},"path":["internal","count"]}},
			"last":{"$alias":{"cell":{"/":"@process"},"path":["internal","__#1","last"]}},
			"bgUpdater":{"$alias":{"cell":{"/":"@process"},"path":["internal","bgUpdater"]}}},"source":{"/":"@process"}}`,
		process: `{"value":{"$TYPE":"@recipe","resultRef":{"cell":{"/":"@result"},"path":[]},"lineage":[{"charm":"x","relation":"fork","timestamp":1}],
			"internal":{"items":[{"space":"@space","cell":{"/":"@item"},"path":[]},{"t":"inline"},{"cell":{"/":"@lists"},"path":["old","1"]},{"cell":{"/":"@lists"},"path":["old",0]}],
				"n":41,"bgUpdater":{"$stream":true},"__#1":{"last":"kept"},"gone":{"from":"an older version"}},
			"argument":{"title":{"$alias":{"path":["internal","__#1","last"]}},"pick":{"space":"@space","cell":{"/":"@lists"},"path":["old","1"]}}},"retry":[null,null]}`,
		item:  `{"value":{"t":"linked"},"source":{"/":"@process"},"retry":[null]}`,
		lists: `{"value":{"old":[{"t":"zero"},{"t":"one","data":{"cell":"no id","path":["kept"]}}]},"retry":[]}`,
	}
	for id, text := range docs {
		docs[id] = fill.Replace(text)
	}
	h.put(t, docs)

	work := runcharm.Work{Mode: wire.ModeEvent, Charm: charm.Charm{ID: result}, Stream: []string{"bgUpdater"}}
	for _, event := range []string{`{"t":"new"}`, `{}`} {
		work.Event = []byte(event)
		r := h.attempt(t, work)
		if r.Outcome != charm.OK || len(r.Report.Failures) > 0 {
			t.Fatalf("%s: %s, %v", event, r.Error, r.Report.Failures)
		}
		h.commit(t, r)
	}
	want := map[string]any{
		"$NAME": "kept: 43", "n": 43.0, "count": 6.0, "last": "kept", "bgUpdater": map[string]any{"$stream": true},
		"items": []any{
			map[string]any{"t": "linked"}, map[string]any{"t": "inline"}, map[string]any{"t": "one", "data": map[string]any{"cell": "no id", "path": []any{"kept"}}},
			map[string]any{"t": "zero"}, map[string]any{"t": "new"}, map[string]any{"t": "one"},
		},
	}
	got, _ := h.seen(t, cell.Location{ID: result}).(map[string]any)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	stored := h.stored(t)
	now := stored[process].(map[string]any)
	if _, has := now["retry"]; has || stored[charmID("stored").Link()] == nil {
		t.Errorf("the process document is %v", now)
	}
	internal := now["value"].(map[string]any)["internal"].(map[string]any)
	if diff := cmp.Diff(map[string]any{"from": "an older version"}, internal["gone"]); diff != "" || now["value"].(map[string]any)["lineage"] == nil {
		t.Errorf("what the recipe does not know was not kept: %v", now)
	}
	if texts := stored[lists].(map[string]any); texts["retry"] == nil {
		t.Error("a document that did not change was written")
	}
}

// A charm that the original's runner stored goes on where that left it, and is left as that left it.
func TestARecordedCharmRunsOn(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/counter.json")
	check(t, err)
	var recorded struct{ Before, After map[string]json.RawMessage }
	decode(t, string(text), &recorded)
	w := newWorld(t)
	h, err := w.newHome(t, "recorded", `import { recipe, handler, lift, NAME } from "@commontools/builder";
const set = handler<any, any>((e, s) => { s.count = e.count; });
export default recipe({ type: "object", properties: { count: { type: "number", default: 0 } }, description: "vec counter" } as any,
  ({ count }: any) => ({ [NAME]: "counter", count, doubled: lift((n: any) => n * 2)(count), bgUpdater: set({ count }) }));`, "", nil)
	check(t, err)
	named := func(doc json.RawMessage) string {
		return recipeName.ReplaceAllString(string(doc), `"$$TYPE":"`+h.recipe.ID+`"`)
	}
	docs, result := map[string]string{}, ""
	for id, doc := range recorded.Before {
		if docs[id] = named(doc); strings.Contains(docs[id], `"source"`) {
			result = id
		}
	}
	h.put(t, docs)
	r := h.attempt(t, runcharm.Work{Mode: wire.ModeEvent, Charm: charm.Charm{ID: result}, Stream: []string{"bgUpdater"}, Event: []byte(`{"count":5}`)})
	h.commit(t, r)
	want := map[string]any{}
	for _, state := range []map[string]json.RawMessage{recorded.Before, recorded.After} {
		for id, doc := range state {
			var v any
			decode(t, named(doc), &v)
			want[id] = v
		}
	}
	if diff := cmp.Diff(want, h.stored(t)); diff != "" || r.Outcome != charm.OK {
		t.Errorf("%s %s", r.Error, diff)
	}
}

var recipeName = regexp.MustCompile(`"\$TYPE": *"[^"]*"`)

// A stored recipe may import what is not here. The run says what.
func TestAStoredRecipeThatImportsWhatIsNotHere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h, err := w.newHome(t, "imports", `export default 1;`, "", nil)
	check(t, err)
	source := "import { x } from \"some-library\";\nexport default x;\n"
	rec := charm.Recipe{ID: "ba4jcimports", Name: "old.tsx", Source: source, CreatedAt: time.Now()}
	h.update(t, func(tx store.Tx) error {
		if err := tx.PutRecipe(rec); err != nil {
			return err
		}
		_, err := blobby.Recipe(tx, rec.ID)
		return err
	})
	_, err = h.runner.Open(t.Context(), runcharm.Work{
		Run: "r", Mode: wire.ModeEvent, Charm: charm.Charm{Space: h.space.DID, ID: charmID("x").Link(), Recipe: rec.ID}, Timeout: time.Second,
	})
	if charm.CodeOf(err) != charm.CodeCompile || !strings.Contains(err.Error(), "old.tsx:1:19: Module not found: some-library") {
		t.Errorf("it says %v", err)
	}
}

// A charm that gets a recipe which is not here, while a run of it begins, is told
// so, and not that its documents are at fault.
func TestFault24_ARecipeThatIsGoneWhenARunBegins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h, err := w.newHome(t, "recast", `export default 1;`, "", nil)
	check(t, err)
	c := charm.Charm{Space: h.space.DID, ID: charmID("x").Link(), Recipe: h.recipe.ID, CreatedAt: time.Now()}
	h.update(t, func(tx store.Tx) (err error) {
		if err = tx.PutRecipe(h.recipe); err == nil {
			c.Row, err = tx.PutCharm(c)
		}
		return err
	})
	s, err := h.runner.Open(t.Context(), runcharm.Work{Run: "r", Mode: wire.ModeEvent, Charm: c, Timeout: time.Second})
	check(t, err)
	c.Recipe = "ba4jcgone"
	h.update(t, func(tx store.Tx) error { _, err := tx.PutCharm(c); return err })
	r := s.Attempt(t.Context())
	if r.Outcome != charm.Errored || !r.Permanent || !strings.HasPrefix(r.Error, "the recipe ba4jcgone") {
		t.Errorf("it ended as %+v", r)
	}
}
