import { cell, derive, handler, ID, NAME, recipe, str, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const FeedItem = { type: "object", properties: { id: { type: "string" }, title: { type: "string" } } };
const update = handler({}, { type: "object", properties: { items: { type: "array", items: FeedItem, default: [], asCell: true }, settings: { type: "object", properties: { url: { type: "string" } } } } },
  (_, state) => {
    fetch(state.settings.url).then((response) => response.text()).then((text) => {
      const doc = new DOMParser().parseFromString(text, "text/xml");
      for (const item of Array.from(doc.querySelectorAll("item"))) {
        const id = item.querySelector("guid")?.textContent ?? "";
        if (state.items.get().some((known) => known.id === id)) continue;
        state.items.push({ [ID]: id, id, title: item.querySelector("title")?.textContent ?? "" });
      }
    });
  });
export default recipe({ type: "object", properties: { url: { type: "string", default: "https://feed.test/1" } } }, ({ url }) => {
  const items = cell([]);
  return { [NAME]: str`feed ${url}`, [UI]: <ul>{items.map((item) => <li>{item.title};</li>)}</ul>, items, size: derive(items, (list) => list.length),
    bgUpdater: update({ items, settings: { url } }) };
});
