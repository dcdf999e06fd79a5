import { cell, derive, handler, lift, NAME, recipe, str, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const set = handler((event, state) => { state.layout = event.layout; state.n = event.n; });
const Badge = ({ label, children }) => <b>{label}{children}</b>;
export default recipe("generated page", () => {
  const layout = cell(["p"]), n = cell(0);
  const page = lift(({ layout, n }) => h("section", {}, ...layout.map((name, i) => h(name, { id: "e" + i }, name + n))))({ layout, n });
  return { [NAME]: str`page ${n}`, [UI]: <div><Badge label="n=">{n}</Badge>{page}{derive(layout, (l) => l.length)}</div>, layout, n, bgUpdater: set({ layout, n }) };
});
