import { cell, derive, handler, recipe, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const act = handler((event, state) => {
  if (event.op === "add") state.items.push({ title: event.title, done: false });
  if (event.op === "toggle" && state.items[event.at]) state.items[event.at].done = !state.items[event.at].done;
  if (event.op === "remove") state.items.splice(event.at, 1);
  if (event.op === "clear") state.items = state.items.filter((item) => !item.done);
});
export default recipe("todo list", () => {
  const items = cell([]);
  return { [UI]: <ul>{items.map((item, i) => <li>{i}:{item.title}{derive(item.done, (done) => done ? "x" : "-")} </li>)}</ul>, items,
    open: derive(items, (list) => list.filter((item) => !item.done).length), bgUpdater: act({ items }) };
});
