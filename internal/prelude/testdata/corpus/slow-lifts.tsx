import { cell, derive, handler, recipe } from "@commontools/builder";
import { sleep } from "@commontools/utils/sleep";
const set = handler(async (event, state) => { await sleep(3); state.n = event.n; });
export default recipe("slow lifts", () => {
  const n = cell(2);
  const square = derive(n, async (n) => { await sleep(n % 5); return n * n; });
  return { n, square, text: derive(square, (s) => "square " + s), bgUpdater: set({ n }) };
});
