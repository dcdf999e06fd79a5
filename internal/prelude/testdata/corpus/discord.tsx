import { cell, handler, recipe, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const update = handler({}, { type: "object", properties: { messages: { type: "array", items: { type: "object", properties: { text: { type: "string" } } }, asCell: true } } },
  async (_, state) => {
    const messages = await (await fetch("https://chat.test/messages")).json();
    for (const message of messages) state.messages.push(message);
  });
export default recipe("discord", () => {
  const messages = cell([]);
  return { [UI]: <div>{messages.map((m) => <pre>{m.text}|</pre>)}</div>, messages, bgUpdater: update({ messages }) };
});
