import { cell, handler, recipe, str } from "@commontools/builder";
import { sleep } from "@commontools/utils/sleep";
const update = handler({}, { type: "object", properties: { status: { type: "string", asCell: true }, open: { type: "number", asCell: true }, failures: { type: "number", asCell: true } } }, async (_, state) => {
  try {
    const response = await fetch("https://code.test/issues");
    if (!response.ok) throw new Error("HTTP " + response.status);
    state.open.set((await response.json()).open);
    await sleep(20);
    state.status.set("fine");
  } catch (error) {
    state.status.set(error.message);
    state.failures.set(state.failures.get() + 1);
  }
});
export default recipe({ type: "object", properties: { failures: { type: "number", default: 0 } } }, ({ failures }) => {
  const status = cell("new"), open = cell(7);
  return { status, open, failures, line: str`${open} open, ${status}`, bgUpdater: update({ status, open, failures }) };
});
