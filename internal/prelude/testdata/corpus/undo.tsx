import { cell, handler, recipe } from "@commontools/builder";
const edit = handler({}, { type: "object", properties: { text: { type: "string", asCell: true }, history: { type: "array", items: { type: "string" }, asCell: true } } }, (event, { text, history }) => {
  if (event.undo) {
    const past = history.get();
    if (past.length === 0) return;
    text.set(past[past.length - 1]);
    history.set(past.slice(0, -1));
  } else {
    history.push(text.get());
    text.set(text.get() + event.type);
  }
});
export default recipe({ type: "object", properties: { text: { type: "string", default: "" } } }, ({ text }) => {
  const history = cell([]);
  return { text, history, bgUpdater: edit({ text, history }) };
});
