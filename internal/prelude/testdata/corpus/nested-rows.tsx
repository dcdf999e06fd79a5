import { cell, handler, ID, lift, recipe, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const Row = { type: "object", properties: { n: { type: "number" } } };
const update = handler({}, { type: "object", properties: { rows: { type: "array", items: { ...Row, asCell: true }, asCell: true }, factor: { type: "number", asCell: true } } }, (event, { rows, factor }) => {
  if (event.length !== undefined) rows.set(rows.get().slice(0, event.length));
  for (const { n } of event.add ?? []) rows.push({ [ID]: n, n });
  if (event.factor !== undefined) factor.set(event.factor);
});
const times = lift(({ a, b }) => a * b);
export default recipe({ type: "object", properties: { factor: { type: "number", default: 1 } } }, ({ factor }) => {
  const rows = cell([]);
  return {
    [UI]: <table>{rows.map((row) => <tr>{row.n}:
      {cell([1, 2]).map((a) => <td>{times({ a, b: factor })} {cell([3]).map((b) => <i>{times({ a: b, b: factor })} </i>)}</td>)}</tr>)}</table>,
    rows, factor, bgUpdater: update({ rows, factor }),
  };
});
