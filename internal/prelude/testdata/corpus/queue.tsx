import { cell, handler, recipe } from "@commontools/builder";
const work = handler((event, state) => {
  for (const job of event.jobs) state.waiting.push(job);
  for (let i = 0; i < event.done && state.waiting.length > 0; i++) state.finished.unshift(state.waiting.shift());
  state.finished.length = Math.min(state.finished.length, 5);
});
export default recipe("queue", () => {
  const waiting = cell([]), finished = cell([]);
  return { waiting, finished, bgUpdater: work({ waiting, finished }) };
});
