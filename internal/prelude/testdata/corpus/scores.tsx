import { cell, handler, recipe, UI } from "@commontools/builder";
import { h } from "@commontools/html";
const score = handler((event, { board }) => {
  const known = board.find((entry) => entry.name === event.name);
  if (known) known.points += event.points;
  else board.push({ name: event.name, points: event.points });
  board.sort((a, b) => b.points - a.points || (a.name < b.name ? -1 : 1));
});
export default recipe("scores", () => {
  const board = cell([]);
  return { [UI]: <ol>{board.map((entry) => <li>{entry.name} {entry.points}, </li>)}</ol>, board, bgUpdater: score({ board }) };
});
