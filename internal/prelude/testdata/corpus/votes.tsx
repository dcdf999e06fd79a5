import { cell, handler, lift, recipe } from "@commontools/builder";
const vote = handler({ type: "object", properties: { for: { type: "string" } } }, { type: "object", properties: { votes: { type: "object", additionalProperties: { type: "number" }, asCell: true } } },
  (event, { votes }) => { votes.set({ ...votes.get(), [event.for]: (votes.get()[event.for] ?? 0) + 1 }); });
export default recipe("votes", () => {
  const votes = cell({ ann: 0 });
  return { votes, leader: lift((v) => Object.entries(v).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0][0])(votes), bgUpdater: vote({ votes }) };
});
