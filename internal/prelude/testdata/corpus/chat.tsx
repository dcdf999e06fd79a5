import { cell, derive, handler, recipe, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const say = handler({ type: "object", properties: { from: { type: "string" }, text: { type: "string" } } }, { type: "object", properties: { messages: { type: "array", items: { type: "object", properties: { from: { type: "string" }, text: { type: "string" } } }, asCell: true } } },
  (event, { messages }) => {
    messages.push({ from: event.from, text: event.text });
    if (event.text.endsWith("?")) messages.push({ from: "bot", text: "echo " + event.text.slice(0, -1) });
  });
export default recipe({ type: "object", properties: { title: { type: "string", default: "talk" } } }, ({ title }) => {
  const messages = cell([]);
  return { [UI]: <div>{title}: {messages.map((m) => <p>{m.from}&gt;{m.text} </p>)}</div>, messages,
    last: derive(messages, (list) => list.length > 0 ? list[list.length - 1].text : "nothing"), bgUpdater: say({ messages }) };
});
