import { cell, handler, lift, recipe, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const poke = handler((event, state) => { state.grid[event.y][event.x] += event.by; });
export default recipe("matrix", () => {
  const grid = cell([[1, 2], [3, 4]]);
  return { [UI]: <table>{grid.map((line) => <tr>{line.map((n) => <td>{lift((n) => "<" + n + ">")(n)}</td>)}</tr>)}</table>, grid,
    trace: lift((g) => g[0][0] + g[1][1])(grid), bgUpdater: poke({ grid }) };
});
