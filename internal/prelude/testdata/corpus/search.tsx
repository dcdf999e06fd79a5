import { cell, handler, lift, recipe, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const add = handler({}, { type: "object", properties: { words: { type: "array", items: { type: "string" }, asCell: true } } }, (event, { words }) => {
  words.set([...words.get(), ...event.words]);
});
export default recipe({ type: "object", properties: { query: { type: "string", default: "a" } } }, ({ query }) => {
  const words = cell([]);
  const found = lift({ type: "object", properties: { words: { type: "array", items: { type: "string" } }, query: { type: "string" } } }, { type: "array", items: { type: "string" } },
    ({ words, query }) => words.filter((word) => word.includes(query)))({ words, query });
  return { [UI]: <div>{found.map((word) => <b>{word} </b>)}</div>, words, query, found, bgUpdater: add({ words }) };
});
