import { cell, handler, lift, recipe } from "@commontools/builder";
const measure = handler({}, { type: "object", properties: { samples: { type: "array", items: { type: "number" }, asCell: true } } }, (event, { samples }) => {
  samples.set([...samples.get(), event.value].slice(-20));
});
export default recipe("statistics", () => {
  const samples = cell([5]);
  const summary = lift({ type: "array", items: { type: "number" } }, { type: "object", properties: { least: { type: "number" }, most: { type: "number" }, sum: { type: "number" } } },
    (list) => ({ least: Math.min(...list), most: Math.max(...list), sum: list.reduce((a, b) => a + b, 0) }))(samples);
  return { samples, summary, span: lift((s) => s.most - s.least)(summary), bgUpdater: measure({ samples }) };
});
