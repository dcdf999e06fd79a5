import { cell, derive, handler, ID, recipe, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const Row = { type: "object", properties: { text: { type: "string" } } };
const update = handler({}, { type: "object", properties: { rows: { type: "array", items: { ...Row, asCell: true }, asCell: true } } }, (event, { rows }) => {
  for (const text of event.add ?? []) rows.push({ [ID]: text, text });
  if (event.at !== undefined) rows.key(event.at).key("text").set(event.text);
  if (event.length !== undefined) rows.set(rows.get().slice(0, event.length));
});
export default recipe("long list", () => {
  const rows = cell([]);
  return { [UI]: <ul>{rows.map((row) => <li>{derive(row.text, (text) => text.toUpperCase())} </li>)}</ul>, rows, bgUpdater: update({ rows }) };
});
