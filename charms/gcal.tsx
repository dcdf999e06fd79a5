import { h } from "@commontools/html";
import { cell, derive, handler, NAME, recipe, str, UI } from "@commontools/builder";
import type { Cell } from "@commontools/runner";

type Event = {
  id: string; calendar: string; title: string; description: string; location: string; link: string; status: string;
  start: string; end: string; // 2026-03-02T09:00:00.000Z; all day 2026-03-02, the end exclusive
  zone: string; allDay: boolean; recurring: boolean;
};
type Calendar = { id: string; title: string; zone: string; primary: boolean };

/** How a calendar stands: the token to ask for changes with, for which window and settings, since when. */
type Sync = { of: string; since: number; token: string };

const settingsSchema = {
  type: "object",
  properties: {
    calendars: { type: "string", default: "" }, // ids, with commas between; "" for those that are shown at Google
    pastDays: { type: "number", default: 30 },
    futureDays: { type: "number", default: 180 },
    limit: { type: "number", default: 2500 },
    api: { type: "string", default: "https://www.googleapis.com/calendar/v3" },
  },
} as const;

const authSchema = {
  type: "object",
  default: {},
  properties: {
    token: { type: "string", default: "" },
    tokenType: { type: "string", default: "" },
    scope: { type: "array", items: { type: "string" }, default: [] },
    expiresIn: { type: "number", default: 0 },
    refreshToken: { type: "string", default: "" },
    expiresAt: { type: "number", default: 0 },
    user: {
      type: "object",
      properties: { email: { type: "string", default: "" }, name: { type: "string", default: "" }, picture: { type: "string", default: "" } },
    },
  },
} as const;

const day = 86_400_000;
const windowAge = 7 * day; // after which the window is moved, by asking for everything anew

/** Undefined when a token that was sent is too old, for which 410 stands, and 400 where it is a page's. */
async function ask(url: string, paged: boolean): Promise<any> {
  const response = await fetch(url, { connection: "google" });
  if (response.status === 410 || paged && response.status === 400) return undefined;
  const reply: any = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(`Google Calendar answered ${response.status} ${reply.error?.message ?? response.statusText}`);
  return reply;
}

/** All pages of a list; undefined when the sync token is too old. A list whose page token is refused is begun anew, once. */
async function pages(url: string, params: URLSearchParams): Promise<{ items: any[]; token: string } | undefined> {
  let [items, anew] = [[] as any[], false];
  for (;;) {
    const paged = params.has("pageToken");
    const page = await ask(`${url}?${params}`, paged);
    if (page === undefined && paged && !anew) {
      console.log("Google no longer knows where its list goes on; it is read from its start again");
      params.delete("pageToken");
      [items, anew] = [[], true];
      continue;
    }
    if (page === undefined) return undefined;
    items.push(...(page.items ?? []));
    if (!page.nextPageToken) return { items, token: page.nextSyncToken ?? "" };
    params.set("pageToken", page.nextPageToken);
  }
}

/** A time in UTC, or a date; "" for what is neither. */
function time(at: any): string {
  if (at?.date) return /^\d{4}-\d\d-\d\d$/.test(at.date) ? at.date : "";
  const ms = Date.parse(at?.dateTime ?? "");
  return Number.isNaN(ms) ? "" : new Date(ms).toISOString();
}

function eventOf(e: any, calendar: string): Event {
  const [start, end] = [time(e.start), time(e.end)];
  return {
    id: `${calendar}/${e.id}`, calendar, title: e.summary ?? "", description: e.description ?? "", location: e.location ?? "",
    link: e.htmlLink ?? "", status: e.status ?? "", start, end: end < start ? start : end, zone: e.start?.timeZone ?? "",
    allDay: Boolean(e.start?.date), recurring: Boolean(e.recurringEventId),
  };
}

const update = handler(
  {},
  {
    type: "object",
    properties: {
      settings: settingsSchema,
      calendars: { type: "array", default: [], asCell: true },
      events: { type: "array", default: [], asCell: true },
      syncs: { type: "object", default: {}, asCell: true },
    },
  },
  async (_event, state) => {
    const { calendars: chosen, pastDays, futureDays, limit, api } = state.settings;
    const list = await pages(`${api}/users/me/calendarList`, new URLSearchParams({ maxResults: "250" }));
    if (!list) throw new Error("Google Calendar has no list of calendars");
    const wanted = chosen.split(/[\s,]+/).filter(Boolean);
    const calendars: Calendar[] = list.items
      .filter((c) => c && !c.deleted && (wanted.length ? wanted.includes(c.id) || c.primary && wanted.includes("primary") : c.primary || c.selected))
      .map((c) => ({ id: c.id, title: c.summaryOverride ?? c.summary ?? "", zone: c.timeZone ?? "", primary: Boolean(c.primary) }));

    const cellOfEvents = state.events as unknown as Cell<Event[]>;
    const cellOfSyncs = state.syncs as unknown as Cell<Record<string, Sync>>;
    const before: Record<string, Sync> = JSON.parse(JSON.stringify(cellOfSyncs.get() ?? {}));
    const syncs: Record<string, Sync> = {};
    const events = new Map<string, Event>();
    for (const e of JSON.parse(JSON.stringify(cellOfEvents.get() ?? [])) as Event[]) {
      if (calendars.some((c) => c.id === e.calendar)) events.set(e.id, e);
    }
    let changes = 0;
    for (const { id } of calendars) {
      const url = `${api}/calendars/${encodeURIComponent(id)}/events`;
      const of = JSON.stringify([pastDays, futureDays]);
      const now = Date.now();
      const last = before[id];
      const usable = last?.token && last.of === of && now - last.since < windowAge;
      const common = { singleEvents: "true", maxResults: "2500" };
      let reply = usable ? await pages(url, new URLSearchParams({ ...common, syncToken: last.token })) : undefined;
      syncs[id] = { of, since: last?.since ?? now, token: "" };
      if (reply === undefined) {
        console.log(`all events of ${id}: ${usable ? "Google no longer knows what has changed" : "a new window"}`);
        reply = await pages(url, new URLSearchParams({
          ...common, timeMin: new Date(now - pastDays * day).toISOString(), timeMax: new Date(now + futureDays * day).toISOString(),
        }));
        if (reply === undefined) throw new Error(`Google Calendar has nothing of ${id}`);
        syncs[id].since = now;
        for (const [key, e] of events) if (e.calendar === id) events.delete(key);
      }
      for (const e of reply.items.filter(Boolean)) {
        const event = eventOf(e, id);
        if (e.status === "cancelled" || !event.start) events.delete(event.id);
        else events.set(event.id, event);
      }
      changes += reply.items.length;
      syncs[id].token = reply.token;
    }
    const sorted = [...events.values()].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : a.id < b.id ? -1 : 1));
    cellOfEvents.set(sorted.slice(0, Math.max(0, limit)));
    (state.calendars as unknown as Cell<Calendar[]>).set(calendars);
    cellOfSyncs.set(syncs);
    console.log(`${changes} changes, ${sorted.length} events`);
  },
);

const setCalendars = handler<{ detail: { value: string } }, { settings: { calendars: string } }>((event, { settings }) => {
  settings.calendars = event.detail?.value ?? "";
});

export default recipe(
  {
    type: "object",
    description: "Google Calendar",
    properties: { settings: { ...settingsSchema, default: {} }, auth: authSchema },
  },
  ({ settings, auth }) => {
    const calendars = cell<Calendar[]>([]);
    const events = cell<Event[]>([]);
    const syncs = cell<Record<string, Sync>>({});
    return {
      [NAME]: str`Google Calendar: ${auth.user.email}`,
      [UI]: (
        <common-vstack gap="md">
          <common-google-oauth $auth={auth} />
          <common-input value={settings.calendars} placeholder="ids of calendars" oncommon-blur={setCalendars({ settings })} />
          <common-updater $state={events} integration="gcal" />
          <p>{derive(events, (list: Event[]) => (list ?? []).length)} events</p>
          <table>
            <tbody>
              {(events as any).map((event: any) => (
                <tr>
                  <td>{event.start}</td>
                  <td><a href={event.link}>{event.title}</a></td>
                  <td>{event.location}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </common-vstack>
      ),
      settings,
      auth,
      calendars,
      events,
      bgUpdater: update({ settings, calendars, events, syncs }),
    };
  },
);
