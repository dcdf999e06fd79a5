package prelude_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"charmd/internal/engine"
	"charmd/internal/prelude"
)

const counter = `
import { cell, derive, handler, NAME, recipe, str, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const tick = handler({}, { type: "object", properties: { count: { type: "number", asCell: true } } } as any,
  (_event: any, state: any) => { state.count.set((state.count.get() ?? 0) + 1); });
export default recipe("counter", () => {
  const count = cell(1);
  const double = derive(count, (n: any) => n * 2);
  return { [NAME]: str` + "`count ${count}`" + `, [UI]: <div><b>{double}</b><common-updater integration="counter" /></div>, count, bgUpdater: tick({ count }) };
});`

// feed is what feed readers look like: its handler asks for all items in a loop over the new ones.
const feed = `
import { cell, derive, handler, ID, NAME, recipe, str, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const item = { type: "object", properties: { id: { type: "string" }, title: { type: "string" }, link: { type: "string" },
  description: { type: "string" }, content: { type: "string" } } };
const update = handler({}, { type: "object", properties: { items: { type: "array", items: item, asCell: true } } } as any,
  async (event: any, state: any) => {
    for (const fresh of event.items) {
      if (state.items.get().some((known: any) => known.id === fresh.id)) continue;
      state.items.push({ ...fresh, [ID]: fresh.id });
    }
  });
export default recipe({ type: "object", properties: { url: { type: "string", default: "" } } } as any, ({ url }: any) => {
  const items = cell([] as any[]);
  const rows = (items as any).map((item: any) => <tr><td>{item.title}</td><td>{item.link}</td></tr>);
  return { [NAME]: str` + "`feed ${url}`" + `, [UI]: <table>{rows}</table>, items, total: derive(items, (list: any) => list.length),
    bgUpdater: update({ items }) };
});`

// rows computes something for every item.
const rows = `
import { cell, derive, handler, ID, recipe, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const add = handler({}, { type: "object", properties: { items: { type: "array", asCell: true } } } as any,
  (event: any, state: any) => { for (const item of event.items ?? []) state.items.push({ ...item, [ID]: item.id }); });
export default recipe("rows", () => {
  const items = cell([] as any[]);
  const page = (items as any).map((item: any) => <tr><td>{derive(item.title, (t: any) => t.toUpperCase())}</td><td>{derive(item, (i: any) => i.link)}</td></tr>);
  return { [UI]: <table>{page}</table>, items, bgUpdater: add({ items }) };
});`

func feedItems(n int) []map[string]string {
	items := make([]map[string]string, n)
	for i := range items {
		items[i] = map[string]string{
			"id": fmt.Sprint("item-", i), "title": fmt.Sprint("Title of item ", i), "link": fmt.Sprint("https://feed.test/", i),
			"description": strings.Repeat("some words of text ", 10), "content": strings.Repeat("more words ", 20),
		}
	}
	return items
}

func benchmarkRuns(b *testing.B, source string, event any) {
	m := load(b, source, newHost())
	if r := m.cast(b, "bench", map[string]any{}); len(r.Failures) > 0 {
		b.Fatal(r.Failures)
	}
	if r := m.send(b, "bench", "bgUpdater", event); !r.Handled || len(r.Failures)+len(r.rejections) > 0 {
		b.Fatalf("%+v", r)
	}
	docs := m.docs
	b.ResetTimer()
	for b.Loop() {
		m.docs = maps.Clone(docs)
		m.send(b, "bench", "bgUpdater", event)
	}
}

func BenchmarkCounter(b *testing.B) { benchmarkRuns(b, counter, map[string]any{}) }

func BenchmarkFeedNoNews(b *testing.B) {
	benchmarkRuns(b, feed, map[string]any{"items": feedItems(100)})
}

func BenchmarkRows(b *testing.B) {
	m := load(b, rows, newHost())
	m.cast(b, "rows", map[string]any{})
	if r := m.send(b, "rows", "bgUpdater", map[string]any{"items": feedItems(100)}); !r.Handled || len(r.Failures) > 0 {
		b.Fatalf("%+v", r)
	}
	for b.Loop() {
		m.send(b, "rows", "bgUpdater", map[string]any{})
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		vm, err := engine.New(engine.Options{ArenaBytes: 32 << 20, Host: newHost().functions()})
		check(b, err)
		check(b, vm.LoadLibrary(prelude.File, prelude.Source))
		image, err := vm.Freeze()
		check(b, err)
		b.ReportMetric(float64(image.Size()), "image-bytes")
		check(b, vm.Close())
	}
}
