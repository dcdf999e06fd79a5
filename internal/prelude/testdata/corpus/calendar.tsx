import { cell, derive, handler, ID, recipe } from "@commontools/builder";
const update = handler({}, { type: "object", properties: { events: { type: "array", asCell: true }, sync: { type: "object", properties: { pages: { type: "number" } }, asCell: true } } }, async (_, state) => {
  const found = [];
  let token = "first", pages = 0;
  do {
    const page = await (await fetch("https://cal.test/events/" + token)).json();
    found.push(...page.items);
    token = page.next;
    pages++;
  } while (token);
  state.events.set(found.map((event) => ({ ...event, [ID]: event.id })));
  state.sync.update({ pages });
});
export default recipe("calendar", () => {
  const events = cell([]), sync = cell({ pages: 0, zone: "UTC" });
  return { events, sync, busy: derive(events, (list) => list.reduce((sum, e) => sum + e.minutes, 0)), bgUpdater: update({ events, sync }) };
});
