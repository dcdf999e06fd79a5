import { derive, handler, NAME, recipe, str, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const count = handler({ type: "object", properties: { by: { type: "number", default: 1 } } }, { type: "object", properties: { value: { type: "number", asCell: true } } },
  ({ by }, { value }) => { value.set((value.get() ?? 0) + by); });
export default recipe({ type: "object", properties: { value: { type: "number", default: 3 } } }, ({ value }) => ({
  [NAME]: str`counter ${value}`, [UI]: <div>at {value}, twice {derive(value, (n) => n * 2)}</div>,
  value, double: derive(value, (n) => n * 2), bgUpdater: count({ value }) }));
