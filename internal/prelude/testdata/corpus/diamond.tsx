import { cell, derive, handler, lift, recipe } from "@commontools/builder";
const set = handler((event, state) => { state.base = event.base; });
export default recipe("diamond", () => {
  const base = cell(1);
  const left = derive(base, (n) => n + 1), right = derive(base, (n) => n * 10);
  const joined = lift(({ left, right }) => left + right)({ left, right });
  return { base, joined, chain: derive(derive(derive(joined, (n) => n - 1), (n) => -n), (n) => [n, n]), bgUpdater: set({ base }) };
});
