import { h } from "@commontools/html";
import { cell, derive, getRecipeEnvironment, handler, ID, NAME, recipe, str, UI } from "@commontools/builder";
import type { Cell } from "@commontools/runner";
import { decodeBase64, decodeHeader, decodeText, readMultipart } from "charmd/formats";
import TurndownService from "turndown";

type Attachment = { id: string; name: string; type: string; size: number };
type Mail = {
  id: string; threadId: string; labels: string[]; title: string; from: string; to: string; date: string;
  snippet: string; text: string; attachments: Attachment[]; link: string;
};
/** A line of the page. */
type Line = { id: string; title: string; from: string; date: string; link: string };

/**
 * How far the import has come. While one is under way, `listed` has the ids of all mails that it takes, `doubtful` those
 * beyond the limit that it takes if an older one is known; `first` when there were none before. `pending` are mails to be looked at, `late` those that Gmail would not give yet, `history` is
 * what it has told of changes. While it is `searching` which of the pending ones the query means, `listed` are those.
 * `page` is where either goes on.
 */
type Sync = {
  of: string; history: string; importing: boolean; first: boolean; searching: boolean; page: string;
  listed: string[]; doubtful: string[]; pending: string[]; late: string[];
};

const nothing: Sync = {
  of: "", history: "", importing: false, first: false, searching: false, page: "", listed: [], doubtful: [], pending: [], late: [],
};

const settingsSchema = {
  type: "object",
  properties: {
    query: { type: "string", default: "" }, // as in Gmail's search field
    labels: { type: "string", default: "INBOX" }, // ids, with commas between; mails have all of them
    limit: { type: "number", default: 1000 }, // mails imported at first
    textLimit: { type: "number", default: 20_000 }, // characters kept of one
    perSecond: { type: "number", default: 40 }, // mails fetched; Gmail allows 50
    api: { type: "string", default: "https://gmail.googleapis.com" },
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

const batchSize = 40; // Google advises 50 at most; with the requests before it this is less than a second's quota
const perRun = 200; // mails; a page of the import is a run
const searchPages = 2; // of 500, in a run
const mostDoubtful = 5000; // mails in a row, none of which is known: those that are known beyond them are gone

/** Everything of a mail but the content of its parts: what is asked for when it is too large. */
const outline = "id,threadId,labelIds,snippet,internalDate,payload(mimeType,headers,body(attachmentId,size),parts(mimeType,filename,headers," +
  "body(attachmentId,size),parts(mimeType,filename,headers,body(attachmentId,size))))";

/** An answer that is good, or has one of the statuses that are expected. */
async function ask(url: string, expected: number[] = [], more: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, { ...more, connection: "google" });
  if (response.ok || expected.includes(response.status)) return response;
  const reply: any = await response.json().catch(() => ({}));
  throw new Error(`Gmail answered ${response.status} ${reply.error?.message ?? response.statusText}`);
}

/** Mails by id; undefined for one that is gone. Those that Gmail would not give now are not in the answer. */
async function fetchMails(api: string, ids: string[], how: (id: string) => string): Promise<Map<string, any>> {
  const boundary = "batch_charmd";
  const calls = ids.map((id) => `--${boundary}\r\nContent-Type: application/http\r\nContent-ID: <${id}>\r\n\r\nGET /gmail/v1/users/me/messages/${id}?${how(id)}\r\n\r\n`);
  let response: Response;
  try {
    response = await ask(`${api}/batch/gmail/v1`, [], {
      method: "POST", headers: { "content-type": `multipart/mixed; boundary=${boundary}` }, body: `${calls.join("")}--${boundary}--`,
    });
  } catch (e) {
    if (!/larger than/.test(String(e)) || how(ids[0]!).includes("fields=")) throw e;
    if (ids.length === 1) return fetchMails(api, ids, () => `format=full&fields=${encodeURIComponent(outline)}`);
    const half = ids.length >> 1;
    return new Map([...await fetchMails(api, ids.slice(0, half), how), ...await fetchMails(api, ids.slice(half), how)]);
  }
  const { parts, complete } = readMultipart(await response.bytes(), response.headers.get("content-type"));
  if (!complete) console.warn(`the answer was cut off after ${parts.length} of ${ids.length} mails; the others come later`);
  const found = new Map<string, any>();
  for (const part of parts) {
    const id = /<response-(.+)>/.exec(part.headers["content-id"] ?? "")?.[1] ?? "";
    const status = Number(/^HTTP\/\S+ (\d+)/.exec(part.body)?.[1]);
    if (!ids.includes(id)) continue;
    if (status === 404) found.set(id, undefined);
    if (status === 200) {
      try {
        const mail = JSON.parse(part.body.slice(part.body.indexOf("\r\n\r\n") + 4));
        if (mail?.id !== id) throw new Error("it is another one");
        found.set(id, mail);
      } catch (e) {
        console.warn(`the answer for mail ${id} cannot be used: ${(e as Error).message}`);
      }
    }
  }
  return found;
}

/** The parts of a mail that hold no others. */
function leaves(part: any): any[] {
  return Array.isArray(part?.parts) && part.parts.length > 0 ? part.parts.flatMap(leaves) : [part ?? {}];
}

const header = (part: any, name: string): string =>
  decodeHeader(String((Array.isArray(part.headers) ? part.headers : []).find((x: any) => String(x?.name).toLowerCase() === name)?.value ?? ""));

const labelsOf = (m: any): string[] => (Array.isArray(m.labelIds) ? m.labelIds : []);

/** Mails in the spam and the bin are in no list, unless one asks for them. */
function meant(m: any, query: string, labels: string[]): boolean {
  const has = labelsOf(m);
  return labels.every((label) => has.includes(label)) && (query !== "" || ["SPAM", "TRASH"].every((l) => labels.includes(l) || !has.includes(l)));
}

/**
 * The time before which a mail is too old for the query, ms; -Infinity when Gmail alone can say. Gmail documents days,
 * months and years, and not at which hour they end: so the longest there are, and a day more.
 */
function oldest(query: string, now: number): number {
  const words = query.replace(/"[^"]*"/g, " ");
  if (/[(){}|"]|(^|\s)OR(\s|$)/.test(words)) return -Infinity;
  const days = [...words.matchAll(/(?<=^|\s)newer_than:(\d+)([dmy])(?=\s|$)/gi)].map((m) => Number(m[1]) * (/d/i.test(m[2]!) ? 1 : /m/i.test(m[2]!) ? 31 : 366));
  return now - (Math.min(...days) + 1) * 86_400_000;
}

/** Gmail gives most texts as UTF-8, whatever their headers say, and some as they were sent. */
function content(part: any): string {
  if (!part?.body?.data) return "";
  const bytes = decodeBase64(part.body.data);
  const type = header(part, "content-type");
  if (/iso-2022|utf-7/i.test(type)) return decodeText(bytes, type);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return decodeText(bytes, type);
  }
}

function mailOf(m: any, textLimit: number): Mail {
  const all = leaves(m.payload ?? {});
  const body = (type: string) => content(all.find((p) => p.mimeType === type && !p.filename));
  const title = header(m.payload ?? {}, "subject");
  const sent = new Date(Number(m.internalDate ?? NaN));
  return {
    id: m.id, threadId: m.threadId, labels: labelsOf(m), title, from: header(m.payload ?? {}, "from"), to: header(m.payload ?? {}, "to"),
    date: Number.isNaN(sent.getTime()) ? "" : sent.toISOString(), snippet: m.snippet ?? "",
    text: (body("text/plain") || new TurndownService().remove(["script", "style", "title"]).turndown(body("text/html").slice(0, 500_000))).slice(0, textLimit),
    attachments: all.filter((p) => p.filename).map((p) => ({ id: p.body?.attachmentId ?? "", name: p.filename, type: p.mimeType ?? "", size: p.body?.size ?? 0 })),
    link: `https://mail.google.com/mail/u/0/#all/${m.id}`,
  };
}

/** Waits so that what was just asked for, and a batch after it, keep to `perSecond` in any second. */
const pace = (mails: number, perSecond: number) =>
  new Promise((done) => setTimeout(done, 1000 * (mails > batchSize / 5 ? batchSize : mails) / Math.max(1, perSecond)));

/**
 * How Gmail refuses a page token that has grown too old. The list is begun anew then: those who read lists know what they
 * have met.
 */
const stale = [400, 404, 410];

/** The ids of the next mails that are meant, the newest first. */
async function list(sync: Sync, api: string, query: string, labels: string[], most: number): Promise<string[]> {
  const params = new URLSearchParams({ maxResults: String(most) });
  if (query) params.set("q", query);
  for (const label of labels) params.append("labelIds", label);
  if (sync.page) params.set("pageToken", sync.page);
  const response = await ask(`${api}/gmail/v1/users/me/messages?${params}`, sync.page ? stale : []);
  if (!response.ok) {
    console.log("Gmail no longer knows where its list goes on; it is read from its start again");
    return list(Object.assign(sync, { page: "" }), api, query, labels, most);
  }
  const page: any = await response.json();
  sync.page = page.nextPageToken ?? "";
  return [...new Set<string>((page.messages ?? []).map((m: any) => m.id))];
}

/**
 * The next ids of the import; the last page ends it. Beyond the limit it goes on to the oldest mail that is known: what
 * came in while Gmail's history was lost is newer, however much it is.
 */
async function listPage(
  sync: Sync, known: Set<string>, api: string, query: string, labels: string[], limit: number, perSecond: number,
): Promise<void> {
  const [met, doubtful] = [new Set(sync.listed), new Set(sync.doubtful)];
  for (const id of await list(sync, api, query, labels, perRun)) {
    if (met.has(id)) continue;
    doubtful.add(id);
    if (met.size >= limit && !known.has(id)) continue;
    for (const taken of doubtful) met.add(taken);
    doubtful.clear();
  }
  sync.pending = [...met].slice(sync.listed.length);
  sync.listed = [...met];
  sync.doubtful = [...doubtful];
  if (sync.pending.length === 0) await pace(1, perSecond);
  if (met.size >= limit && (doubtful.size > mostDoubtful || [...known].every((id) => met.has(id)))) sync.page = "";
}

/** Whether Gmail has said of all that is pending whether the query means it; then that is all that is meant. */
async function search(sync: Sync, api: string, query: string, labels: string[], perSecond: number): Promise<boolean> {
  for (let pages = 0; pages < searchPages; pages++) {
    const found = new Set(await list(sync, api, query, labels, 500));
    sync.listed = [...new Set([...sync.listed, ...sync.pending.filter((id) => found.has(id))])];
    await pace(1, perSecond);
    if (sync.page && sync.listed.length < sync.pending.length) continue;
    Object.assign(sync, { searching: false, page: "" });
    return true;
  }
  return false;
}

/** What has changed since: ids to look at, and those that were deleted. Undefined when Gmail no longer knows. */
async function changes(sync: Sync, api: string): Promise<Set<string> | undefined> {
  const [touched, gone] = [new Set<string>(), new Set<string>()];
  for (let page = "", first = true; page || first; first = false) {
    const params = new URLSearchParams({ startHistoryId: sync.history, maxResults: "500" });
    if (page) params.set("pageToken", page);
    const response = await ask(`${api}/gmail/v1/users/me/history?${params}`, [404]);
    if (response.status === 404) return undefined;
    const reply: any = await response.json();
    for (const record of reply.history ?? []) {
      for (const kind of ["messagesAdded", "labelsAdded", "labelsRemoved"]) {
        for (const { message } of record[kind] ?? []) touched.add(message.id);
      }
      for (const { message } of record.messagesDeleted ?? []) gone.add(message.id);
    }
    page = reply.nextPageToken ?? "";
    if (!page) sync.history = reply.historyId ?? sync.history;
  }
  sync.pending = [...new Set([...touched, ...sync.late])].filter((id) => !gone.has(id));
  sync.late = [];
  return gone;
}

const update = handler(
  {},
  {
    type: "object",
    properties: {
      settings: settingsSchema,
      ids: { type: "array", items: { type: "string" }, default: [], asCell: true }, // of mails, in their order
      dates: { type: "array", items: { type: "number" }, default: [], asCell: true }, // of theirs, ms; 0 for none
      mails: { asCell: true }, // documents of their own
      recent: { type: "array", default: [], asCell: true },
      sync: { type: "object", default: {}, asCell: true },
    },
  },
  async (_event, state) => {
    const { query, labels: names, limit, textLimit, perSecond, api } = state.settings;
    const labels = names.split(/[\s,]+/).filter(Boolean);
    const of = JSON.stringify([query, labels]);
    const cellOfSync = state.sync as unknown as Cell<Sync>;
    const sync: Sync = { ...nothing, ...JSON.parse(JSON.stringify(cellOfSync.get() ?? {})) };
    let ids: string[] = [...state.ids.get()];
    const mails = state.mails.get() as any[]; // a view: what is not looked at is not loaded
    const dateOf = (m: Mail) => Date.parse(m.date) || 0;
    let dates: number[] = [...state.dates.get()];
    const undated = dates.length !== ids.length; // by an earlier version of this recipe
    if (undated) dates = ids.map((_, i) => dateOf(mails[i]));
    const drop = (gone: (id: string, i: number) => boolean) => {
      const stay = ids.map((id, i) => !gone(id, i));
      for (let i = ids.length - 1; i >= 0; i--) if (!stay[i]) mails.splice(i, 1);
      ids = ids.filter((_, i) => stay[i]);
      dates = dates.filter((_, i) => stay[i]);
    };

    const begin = async (why: string) => {
      console.log(`import of all mails: ${why}`);
      const profile: any = await (await ask(`${api}/gmail/v1/users/me/profile`)).json();
      Object.assign(sync, nothing, { of, history: String(profile.historyId), importing: true, first: ids.length === 0 });
    };
    if (sync.of !== of) await begin(sync.of ? "the settings have changed" : "it is the first run");
    if (sync.pending.length === 0 && !sync.importing) {
      const gone = await changes(sync, api);
      if (gone) {
        const since = oldest(query, Date.now());
        drop((id, i) => gone.has(id) || dates[i]! > 0 && dates[i]! < since);
        sync.searching = query !== "" && sync.pending.length > 0; // only Gmail can say whether the query means a mail
      } else await begin("Gmail no longer knows what has changed since the last run");
    }
    if (sync.pending.length === 0 && sync.importing) await listPage(sync, new Set(ids), api, query, labels, limit, perSecond);
    if (sync.searching && await search(sync, api, query, labels, perSecond)) {
      const hits = new Set(sync.listed);
      const others = new Set(sync.pending.filter((id) => !hits.has(id)));
      drop((id) => others.has(id));
      Object.assign(sync, { pending: [...hits], listed: [] });
    }

    const known = new Map(ids.map((id, i) => [id, i]));
    const work = sync.searching ? [] : sync.pending.slice(0, perRun);
    const [left, lost] = [new Set(work), new Set<string>()];
    const fresh: Mail[] = [];
    for (let size = Math.min(batchSize, Math.max(1, perSecond)), i = 0; i < work.length; i += size) {
      const batch = work.slice(i, i + size);
      for (const [id, m] of await fetchMails(api, batch, (id) => (known.has(id) ? "format=minimal" : "format=full"))) {
        left.delete(id);
        const mail = known.has(id) ? mails[known.get(id)!] : undefined;
        if (!m || !meant(m, query, labels)) lost.add(id);
        else if (!mail) fresh.push(mailOf(m, textLimit));
        else if (JSON.stringify(mail.labels) !== JSON.stringify(labelsOf(m))) mail.labels = labelsOf(m);
      }
      await pace(batch.length, perSecond);
    }
    if (lost.size > 0) drop((id) => lost.has(id));
    fresh.sort((a, b) => (a.date < b.date ? 1 : -1));
    // The first import has older ones with every page, and newer ones when its list was begun anew.
    const top = sync.importing && sync.first ? fresh.filter((m) => ids.length > 0 && dateOf(m) > dates[0]!) : fresh;
    const bottom = fresh.filter((m) => !top.includes(m));
    mails.unshift(...top.map((m) => ({ ...m, [ID]: m.id })));
    mails.push(...bottom.map((m) => ({ ...m, [ID]: m.id })));
    ids = [...top.map((m) => m.id), ...ids, ...bottom.map((m) => m.id)];
    dates = [...top.map(dateOf), ...dates, ...bottom.map(dateOf)];

    sync.pending = sync.pending.slice(work.length);
    sync.late = [...sync.late, ...left];
    if (sync.importing && sync.pending.length === 0 && !sync.page) {
      const listed = new Set(sync.listed);
      drop((id) => !listed.has(id));
      Object.assign(sync, { importing: false, listed: [], doubtful: [] });
    }
    const changed = JSON.stringify(ids) !== JSON.stringify(state.ids.get());
    if (changed || undated) state.dates.set(dates);
    if (changed) {
      state.ids.set(ids);
      (state.recent as unknown as Cell<Line[]>).set(
        Array.from({ length: Math.min(30, ids.length) }, (_, i) => {
          const { id, title, from, date, link } = mails[i];
          return { id, title, from, date, link };
        }),
      );
    }
    cellOfSync.set(sync);
    if (left.size > 0) console.warn(`${left.size} mails could not be had; they are asked for again in the next run`);
    else if (sync.importing || sync.pending.length > 0) getRecipeEnvironment().again();
    console.log(`${fresh.length} new, ${ids.length} in all`);
  },
);

const setQuery = handler<{ detail: { value: string } }, { settings: { query: string } }>((event, { settings }) => {
  settings.query = event.detail?.value ?? "";
});

export default recipe(
  {
    type: "object",
    description: "Gmail",
    properties: { settings: { ...settingsSchema, default: {} }, auth: authSchema },
  },
  ({ settings, auth }) => {
    const ids = cell<string[]>([]);
    const dates = cell<number[]>([]);
    const mails = cell<Mail[]>([]);
    const recent = cell<Line[]>([]);
    const sync = cell<Sync>(nothing);
    return {
      [NAME]: str`Gmail: ${auth.user.email}`,
      [UI]: (
        <common-vstack gap="md">
          <common-google-oauth $auth={auth} />
          <common-input value={settings.query} placeholder="search, as in Gmail" oncommon-blur={setQuery({ settings })} />
          <common-updater $state={recent} integration="gmail" />
          <p>{derive(ids, (list: string[]) => (list ?? []).length)} mails</p>
          <table>
            <tbody>
              {(recent as any).map((mail: any) => (
                <tr>
                  <td>{mail.date}</td>
                  <td>{mail.from}</td>
                  <td><a href={mail.link}>{mail.title}</a></td>
                </tr>
              ))}
            </tbody>
          </table>
        </common-vstack>
      ),
      settings,
      auth,
      recent,
      mails,
      bgUpdater: update({ settings, ids, dates, mails, recent, sync }),
    };
  },
);
