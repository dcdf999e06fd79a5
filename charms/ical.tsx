import { h } from "@commontools/html";
import { cell, derive, handler, NAME, recipe, str, UI } from "@commontools/builder";
import type { Cell } from "@commontools/runner";
import { type CalendarEvent, decodeText, readCalendar } from "charmd/formats";

const settingsSchema = {
  type: "object",
  properties: {
    url: { type: "string", default: "" },
    pastDays: { type: "number", default: 30 },
    futureDays: { type: "number", default: 365 },
    zone: { type: "string", default: "" }, // of times that name none: "Europe/Berlin"
    limit: { type: "number", default: 1000 },
  },
} as const;

/** What the last answer was: of which settings and day, and how to ask whether it has changed. */
type Answer = { of: string; etag: string; modified: string };

const update = handler(
  {},
  {
    type: "object",
    properties: {
      settings: settingsSchema,
      name: { type: "string", default: "", asCell: true },
      events: { type: "array", default: [], asCell: true },
      answer: {
        type: "object",
        asCell: true,
        properties: {
          of: { type: "string", default: "" },
          etag: { type: "string", default: "" },
          modified: { type: "string", default: "" },
        },
      },
    },
  },
  async (_event, state) => {
    const { url, pastDays, futureDays, zone, limit } = state.settings;
    if (!url) {
      console.log("no calendar address is set (settings.url)");
      return;
    }
    const day = 86_400_000;
    const today = Math.floor(Date.now() / day) * day;
    const of = JSON.stringify([state.settings, today]); // on a new day other events are in the window
    const answer = state.answer as unknown as Cell<Answer>;
    const last = answer.get();
    const headers: Record<string, string> = { accept: "text/calendar, */*;q=0.8" };
    if (last?.of === of && last.etag) headers["if-none-match"] = last.etag;
    if (last?.of === of && last.modified) headers["if-modified-since"] = last.modified;
    const response = await fetch(url.replace(/^webcals?:/, "https:"), { headers });
    if (response.status === 304) {
      console.log("not changed");
      return;
    }
    if (!response.ok) throw new Error(`${url} answered ${response.status} ${response.statusText}`);
    const text = decodeText(await response.bytes(), response.headers.get("content-type"));
    const calendar = readCalendar(text, new Date(today - pastDays * day), new Date(today + futureDays * day), zone);
    for (const warning of calendar.warnings) console.warn(warning);
    (state.events as unknown as Cell<CalendarEvent[]>).set(calendar.events.slice(0, Math.max(0, limit)));
    state.name.set(calendar.name);
    answer.set({ of, etag: response.headers.get("etag") ?? "", modified: response.headers.get("last-modified") ?? "" });
    console.log(`${calendar.events.length} events`);
  },
);

const setURL = handler<{ detail: { value: string } }, { settings: { url: string } }>((event, { settings }) => {
  settings.url = event.detail?.value ?? "";
});

export default recipe(
  { type: "object", description: "Calendar", properties: { settings: { ...settingsSchema, default: {} } } },
  ({ settings }) => {
    const name = cell("");
    const events = cell<CalendarEvent[]>([]);
    const answer = cell<Answer>({ of: "", etag: "", modified: "" });
    return {
      [NAME]: str`Calendar: ${name}`,
      [UI]: (
        <common-vstack gap="md">
          <common-input value={settings.url} placeholder="https://example.org/calendar.ics" oncommon-blur={setURL({ settings })} />
          <common-updater $state={events} integration="ical" />
          <p>{derive(events, (list: CalendarEvent[]) => (list ?? []).length)} events</p>
          <table>
            <tbody>
              {(events as any).map((event: any) => (
                <tr>
                  <td>{event.start}</td>
                  <td>{event.title}</td>
                  <td>{event.location}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </common-vstack>
      ),
      settings,
      name,
      events,
      bgUpdater: update({ settings, name, events, answer }),
    };
  },
);
