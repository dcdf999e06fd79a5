package prelude_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// interpreter does the operations of an event on one tree, through a cell, through a view of it,
// through a link to it, and inside a nested recipe. What is read is read through all of them too.
const interpreter = `
import { cell, derive, handler, lift, recipe } from "@commontools/builder";
// What is assigned as a view becomes a link to the event.
const copyOf = (event: any) => JSON.parse(JSON.stringify(event.ops));
function act(at: any, op: any) {
  const list = () => op.path.reduce((value: any, key: any) => value[key], at);
  if (op.op === "push") list().push(...op.values);
  else if (op.op === "splice") list().splice(op.from, op.count, ...op.values);
  else if (op.op === "reverse") list().reverse();
  else if (op.op === "length") list().length = op.to;
  else if (op.op === "keep") { const keys = op.path.slice(0, -1); keys.reduce((v: any, k: any) => v[k], at)[op.path.at(-1)] = list().filter((_: any, i: number) => i !== op.but); }
  else {
    const keys = op.path.slice(0, -1), last = op.path.at(-1);
    const into = keys.reduce((value: any, key: any) => value[key], at);
    if (op.op === "delete") delete into[last]; else into[last] = op.value;
  }
}
const byView = handler((event: any, { box }: any) => { for (const op of copyOf(event)) act(box, op); });
const byLink = handler((event: any, { links }: any) => { for (const op of copyOf(event)) act(links.box, op); });
const byCell = handler({}, { type: "object", properties: { box: { asCell: true } } } as any, (event: any, { box }: any) => {
  for (const op of copyOf(event)) {
    const at = op.path.reduce((c: any, key: any) => c.key(key), box);
    if (op.op === "push") at.push(...op.values);
    else if (op.op === "set") at.set(op.value);
    else if (op.op === "update") at.update(op.value);
    else if (op.op === "delete") at.set(undefined);
    else act(box.get(), op);
  }
});
const tie = handler((_: any, { links, box }: any) => { links.box = box; });
const Inner = recipe<any, any>({ type: "object", properties: { box: {} } }, ({ box }: any) => ({
  seen: lift((b: any) => JSON.stringify(b))(box), bgUpdater: byView({ box }) }));
export default recipe("paths", () => {
  const box = cell({ tree: {} as any, list: [] as any[] }), links = cell({ box: null as any });
  const inner = Inner({ box });
  return { box, seen: derive(box, (b: any) => JSON.stringify(b)), linked: lift(({ links, box: _ }: any) => JSON.stringify(links.box))({ links, box }), inner: inner.seen,
    view: byView({ box }), cell: byCell({ box }), link: byLink({ links }), nested: inner.bgUpdater, tie: tie({ links, box }) };
});`

// tree is the model: JSON values, changed in place.
type tree struct{ root object }

func (m *tree) at(path []any) any {
	v := any(m.root)
	for _, key := range path {
		switch k := key.(type) {
		case string:
			v = v.(object)[k]
		case int:
			v = v.([]any)[k]
		}
	}
	return v
}

func (m *tree) put(path []any, value any) {
	switch into := m.at(path[:len(path)-1]).(type) {
	case object:
		into[path[len(path)-1].(string)] = value
	case []any:
		into[path[len(path)-1].(int)] = value
	}
}

// places are the paths of all values below the root, lists apart.
func (m *tree) places() (all, lists [][]any) {
	var walk func(v any, path []any)
	walk = func(v any, path []any) {
		if len(path) > 0 {
			all = append(all, slices.Clone(path))
		}
		switch v := v.(type) {
		case object:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				walk(v[key], append(slices.Clone(path), key))
			}
		case []any:
			lists = append(lists, slices.Clone(path))
			for i, item := range v {
				walk(item, append(slices.Clone(path), i))
			}
		}
	}
	walk(m.root, nil)
	return all, lists
}

func cloned(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for key, field := range v {
			out[key] = cloned(field)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = cloned(v[i])
		}
		return out
	}
	return v
}

// values are small JSON values.
func values(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kinds := 5
		if depth == 0 {
			kinds = 3
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return float64(rapid.IntRange(-9, 9).Draw(t, "number"))
		case 1:
			return rapid.SampledFrom([]string{"", "a", "length", "map", "0"}).Draw(t, "text")
		case 2:
			return rapid.Bool().Draw(t, "truth")
		case 3:
			out := object{}
			for range rapid.IntRange(0, 3).Draw(t, "size") {
				out[rapid.SampledFrom(keysOfTrees).Draw(t, "key")] = values(depth-1).Draw(t, "field")
			}
			return out
		default:
			out := []any{}
			for range rapid.IntRange(0, 3).Draw(t, "size") {
				out = append(out, values(depth-1).Draw(t, "item"))
			}
			return out
		}
	})
}

var keysOfTrees = []string{"a", "b", "c", "0"}

// operation draws one, does it on the model and returns it for the interpreter.
func (m *tree) operation(t *rapid.T, through string) object {
	all, lists := m.places()
	some := rapid.SliceOfN(values(2), 1, 3)
	onList := func(op string, more object, change func(list []any) []any) object {
		path := rapid.SampledFrom(lists).Draw(t, "list")
		m.put(path, change(m.at(path).([]any)))
		more["op"], more["path"] = op, path
		return more
	}
	kinds := []string{"set", "set", "new", "delete", "push", "push", "splice", "reverse", "length", "keep"}
	if through == "cell" {
		kinds = []string{"set", "set", "new", "delete", "push", "push", "update", "splice", "keep"}
	}
	switch kind := rapid.SampledFrom(kinds).Draw(t, "op"); kind {
	case "push":
		added := some.Draw(t, "values")
		return onList("push", object{"values": cloned(any(added))}, func(list []any) []any { return append(list, added...) })
	case "splice":
		from, count, added := rapid.IntRange(0, 3).Draw(t, "from"), rapid.IntRange(0, 3).Draw(t, "count"), some.Draw(t, "values")
		return onList("splice", object{"from": from, "count": count, "values": cloned(any(added))}, func(list []any) []any {
			from := min(from, len(list))
			return slices.Concat(list[:from], added, list[min(from+count, len(list)):])
		})
	case "reverse":
		return onList("reverse", object{}, func(list []any) []any { slices.Reverse(list); return list })
	case "length":
		to := rapid.IntRange(0, 3).Draw(t, "to")
		more := object{}
		op := onList("length", more, func(list []any) []any {
			more["to"] = min(to, len(list))
			return list[:min(to, len(list))]
		})
		return op
	case "keep":
		but := rapid.IntRange(0, 3).Draw(t, "but")
		return onList("keep", object{"but": but}, func(list []any) []any {
			return slices.Delete(slices.Clone(list), min(but, len(list)), min(but+1, len(list)))
		})
	case "new", "delete", "update":
		objects := slices.DeleteFunc(all, func(path []any) bool { _, ok := m.at(path).(object); return !ok })
		if len(objects) == 0 {
			break
		}
		into := rapid.SampledFrom(objects).Draw(t, "object")
		key := rapid.SampledFrom(keysOfTrees).Draw(t, "key")
		path := append(slices.Clone(into), key)
		if kind == "delete" {
			delete(m.at(into).(object), key)
			return object{"op": "delete", "path": path}
		}
		value := values(2).Draw(t, "value")
		m.put(path, value)
		if kind == "update" {
			return object{"op": "update", "path": into, "value": object{key: cloned(value)}}
		}
		return object{"op": "set", "path": path, "value": cloned(value)}
	}
	path := rapid.SampledFrom(all).Draw(t, "path")
	value := values(3).Draw(t, "value")
	if len(path) == 1 {
		value = map[any]any{"tree": object{"a": 1.0}, "list": []any{object{"b": 2.0}}}[path[0]]
	}
	m.put(path, value)
	return object{"op": "set", "path": path, "value": cloned(value)}
}

// Random operations through every way to a cell change what a plain tree in their place would; a
// failing sequence is made small and printed with its seed.
func TestAccessPaths(t *testing.T) {
	t.Parallel()
	m := load(t, interpreter, newHost())
	if !m.loaded.OK {
		t.Fatalf("loading: %+v", m.loaded.Error)
	}
	m.cast(t, "paths", nil)
	m.send(t, "paths", "tie", struct{}{})
	begin := maps.Clone(m.docs)
	rapid.Check(t, func(rt *rapid.T) {
		m.docs, m.entropy = maps.Clone(begin), 0
		model := &tree{object{"tree": object{}, "list": []any{}}}
		for range rapid.IntRange(1, 6).Draw(rt, "events") {
			through := rapid.SampledFrom([]string{"view", "cell", "link", "nested", "alias"}).Draw(rt, "through")
			if through == "alias" {
				key, value := rapid.SampledFrom(keysOfTrees).Draw(rt, "key"), values(2).Draw(rt, "value")
				model.root["tree"] = object{key: value}
				m.write(t, charmID("paths").Link(), []string{"box", "tree"}, model.root["tree"])
				through = "settle"
			}
			ops := []object{}
			if through != "settle" {
				for range rapid.IntRange(1, 4).Draw(rt, "operations") {
					ops = append(ops, model.operation(rt, through))
				}
			}
			r := m.send(t, "paths", through, object{"ops": ops})
			if len(r.Failures)+len(r.rejections) > 0 {
				rt.Fatalf("%s %s: %+v %v", through, encoded(ops), r.Failures, r.rejections)
			}
			m.agree(t, rt, model, fmt.Sprint(through, " ", encoded(ops)))
		}
	})
}

// agree compares the model with what is stored and with what is read through each path.
func (m *machine) agree(t *testing.T, rt *rapid.T, model *tree, what string) {
	stored, _ := m.live(t, charmID("paths").Link(), []string{"box"})
	if diff := cmp.Diff(any(model.root), stored); diff != "" {
		rt.Fatalf("%s: stored (-model +cells)\n%s", what, diff)
	}
	for _, field := range []string{"seen", "linked", "inner"} {
		text, _ := m.live(t, charmID("paths").Link(), []string{field})
		var seen any
		decode(t, strings.TrimSpace(fmt.Sprint(text)), &seen)
		if diff := cmp.Diff(any(model.root), seen); diff != "" {
			rt.Fatalf("%s: %s (-model +cells)\n%s", what, field, diff)
		}
	}
}
