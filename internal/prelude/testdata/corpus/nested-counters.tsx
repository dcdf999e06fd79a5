import { cell, derive, handler, lift, recipe, str } from "@commontools/builder";
const add = handler((event, state) => { if (event.left) state.left += event.left; if (event.right) state.right += event.right; });
const Counter = recipe({ type: "object", properties: { label: { type: "string", default: "?" }, value: { type: "number", default: 0 } } },
  ({ label, value }) => ({ text: str`${label}: ${value}`, square: derive(value, (n) => n * n) }));
export default recipe({ type: "object", properties: { left: { type: "number", default: 1 }, right: { type: "number", default: 2 } } }, ({ left, right }) => {
  const a = Counter({ label: "left", value: left }), b = Counter({ label: "right", value: right });
  return { left, right, texts: [a.text, b.text], sum: lift(({ x, y }) => x + y)({ x: a.square, y: b.square }), bgUpdater: add({ left, right }) };
});
