import { cell, handler, recipe } from "@commontools/builder";
const wait = (ms, value) => new Promise((resolve) => setTimeout(() => resolve(value), ms));
const run = handler({}, { type: "object", properties: { order: { type: "array", items: { type: "string" }, asCell: true }, detached: { type: "number", asCell: true } } }, async (event, state) => {
  const first = await Promise.race(event.waits.map((ms, i) => wait(ms, "w" + i)));
  const all = await Promise.all(event.waits.map((ms, i) => wait(ms, i)));
  state.order.set([first, String(all.length)]);
  setTimeout(() => state.detached.set(state.detached.get() + 1), 5);
  const beat = setInterval(() => {}, 1000);
  queueMicrotask(() => clearInterval(beat));
});
export default recipe({ type: "object", properties: { detached: { type: "number", default: 0 } } }, ({ detached }) => {
  const order = cell([]);
  return { order, detached, bgUpdater: run({ order, detached }) };
});
