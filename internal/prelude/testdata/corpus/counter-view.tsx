import { cell, handler, lift, recipe } from "@commontools/builder";
const tick = handler((event, state) => { state.total += event.by; state.seen.runs++; state.seen.last = event.by; });
export default recipe("counter without schemas", () => {
  const total = cell(10), seen = cell({ runs: 0, last: null });
  return { total, seen, even: lift((n) => n % 2 === 0)(total), bgUpdater: tick({ total, seen }) };
});
