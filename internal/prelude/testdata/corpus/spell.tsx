import { $, derive, handler, recipe, schema, select, Spell } from "@commontools/builder";
const State = schema({ type: "object", properties: { log: { type: "array", items: { type: "string" }, default: [], asCell: true }, level: { type: "number", default: 1, asCell: true } } });
const cast = handler({ type: "object", properties: { spell: { type: "string", default: "light" } } }, State, ({ spell }, { log, level }) => {
  log.push(`${spell} ${level.get()}`);
  if (log.get().length % 3 === 0) level.set(level.get() + 1);
});
export default recipe({ type: "object", properties: { log: { type: "array", items: { type: "string" }, default: [] }, level: { type: "number", default: 1 } } }, ({ log, level }) => ({
  log, level, shout: derive({ log, level }, ({ log, level }) => log.length === 0 ? "" : log[log.length - 1].toUpperCase() + "!".repeat(level)), bgUpdater: cast({ log, level }) }));
