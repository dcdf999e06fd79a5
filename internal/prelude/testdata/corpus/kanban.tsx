import { cell, handler, lift, recipe } from "@commontools/builder";
const move = handler((event, { board }) => {
  if (event.card) board.todo.push({ name: event.card });
  else if (board[event.from].length > 0) {
    const card = board[event.from].shift();
    board[event.to].push({ name: card.name });
  }
});
export default recipe("kanban", () => {
  const board = cell({ todo: [], doing: [], done: [] });
  return { board, counts: lift((b) => [b.todo.length, b.doing.length, b.done.length])(board), bgUpdater: move({ board }) };
});
