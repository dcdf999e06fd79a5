import { cell, handler, ID, lift, recipe } from "@commontools/builder";
const Item = { type: "object", properties: { title: { type: "string" }, done: { type: "boolean", default: false } } };
const act = handler({ type: "object", properties: { add: { type: "string" }, toggle: { type: "number" } } }, { type: "object", properties: { items: { type: "array", items: { ...Item, asCell: true }, asCell: true } } },
  ({ add, toggle }, { items }) => {
    if (add !== undefined) items.push({ title: add, done: false });
    const item = toggle === undefined ? undefined : items.get()[toggle];
    if (item !== undefined) item.key("done").set(!item.get().done);
  });
export default recipe("todo list of cells", () => {
  const items = cell([]);
  const done = lift({ type: "array", items: Item }, { type: "array" }, (list) => list.filter((item) => item.done).map((item) => item.title));
  return { items, done: done(items), bgUpdater: act({ items }) };
});
