import { h } from "@commontools/html";
import { cell, derive, handler, NAME, recipe, str, UI } from "@commontools/builder";
import type { Cell } from "@commontools/runner";
import { decodeText } from "charmd/formats";

type Enclosure = { url: string; type: string; length: number };

type Item = {
  id: string;
  title: string;
  link: string;
  description: string;
  author: string;
  pubDate: string; // ISO 8601, "" when the feed gives none; when first seen, if it gives one to come
  enclosures: Enclosure[];
};

type Settings = { feedUrl: string; limit: number };

/** What the next request says of the last answer. `of` is the setting it belongs to, `url` where the feed was. */
type Answer = { of: string; url: string; etag: string; modified: string };

const itemSchema = {
  type: "object",
  properties: {
    id: { type: "string", default: "" },
    title: { type: "string", default: "" },
    link: { type: "string", default: "" },
    description: { type: "string", default: "" },
    author: { type: "string", default: "" },
    pubDate: { type: "string", default: "" },
    enclosures: { type: "array", default: [], items: {
      type: "object",
      properties: { url: { type: "string", default: "" }, type: { type: "string", default: "" }, length: { type: "number", default: 0 } },
    } },
  },
} as const;

const settingsSchema = {
  type: "object",
  properties: {
    feedUrl: { type: "string", default: "" },
    limit: { type: "number", default: 100 },
  },
} as const;

/** The first child element of `of` with one of the names, in their order. */
function child(of: Element, ...names: string[]): Element | null {
  for (const name of names) {
    for (const c of Array.from(of.children)) {
      if (c.tagName === name) return c;
    }
  }
  return null;
}

function text(of: Element, ...names: string[]): string {
  return child(of, ...names)?.textContent?.trim() ?? "";
}

/** Titles are text, and often hold HTML. */
function plain(title: string): string {
  if (!/[<&]/.test(title)) return title;
  return new DOMParser().parseFromString(title, "text/html").body?.textContent?.trim() || title;
}

function isoDate(s: string): string {
  const ms = Date.parse(s);
  if (Number.isNaN(ms)) return "";
  return new Date(Math.min(ms, Date.now())).toISOString();
}

function enclosures(of: Element): Enclosure[] {
  return Array.from(of.children)
    .filter((c) => c.tagName === "enclosure" || c.tagName === "media:content" || c.tagName === "link" && c.getAttribute("rel") === "enclosure")
    .map((c) => ({
      url: c.getAttribute("url") ?? c.getAttribute("href") ?? "",
      type: c.getAttribute("type") ?? "",
      length: Math.max(0, Number(c.getAttribute("length") ?? c.getAttribute("fileSize")) || 0),
    }))
    .filter((e) => /^https?:/.test(e.url));
}

/** Atom gives several links; the page of the entry is the alternate one. */
function atomLink(entry: Element): string {
  let first = "";
  for (const c of Array.from(entry.children)) {
    if (c.tagName !== "link") continue;
    const href = c.getAttribute("href") ?? "";
    if ((c.getAttribute("rel") ?? "alternate") === "alternate") return href;
    first = first || href;
  }
  return first;
}

function rssItem(e: Element): Item {
  const link = text(e, "link");
  const title = plain(text(e, "title"));
  return {
    id: text(e, "guid") || e.getAttribute("rdf:about") || link || title,
    title,
    link,
    description: text(e, "description", "content:encoded"),
    author: text(e, "dc:creator", "author"),
    pubDate: isoDate(text(e, "pubDate", "dc:date")),
    enclosures: enclosures(e),
  };
}

function atomItem(e: Element): Item {
  const link = atomLink(e);
  const title = plain(text(e, "title"));
  const author = child(e, "author");
  return {
    id: text(e, "id") || link || title,
    title,
    link,
    description: text(e, "summary", "content"),
    author: author ? text(author, "name") : "",
    pubDate: isoDate(text(e, "published", "updated")),
    enclosures: enclosures(e),
  };
}

/** Feeds that give several items one id: what differs in its link is another item. */
function distinct(list: Item[]): Item[] {
  const links = new Map<string, string>();
  return list.map((item) => {
    const link = links.get(item.id) ?? item.link;
    links.set(item.id, link);
    return link === item.link ? item : { ...item, id: `${item.id} ${item.link}` };
  });
}

/** The feed that a page names in its head, "" for none. */
function feedOf(page: string, url: string): string {
  const links = new DOMParser().parseFromString(page.slice(0, 500_000), "text/html").querySelectorAll("link[rel~=alternate]");
  const link = Array.from(links).find((l) => /(rss|atom)\+xml/.test(l.getAttribute("type") ?? ""));
  return link ? new URL(link.getAttribute("href") ?? "", url).href : "";
}

/** Reads RSS 2.0, RSS 1.0 and Atom; anything else is an error that says what came instead. */
function parseFeed(xml: string, url: string): Item[] {
  const doc = new DOMParser().parseFromString(xml, "text/xml");
  const root = doc.documentElement;
  const broken = doc.querySelector("parsererror");
  if (broken) {
    throw new Error(`${url} is not well-formed XML: ${broken.textContent?.trim()}`);
  }
  switch (root?.tagName) {
    case "rss":
    case "rdf:RDF":
      return distinct(Array.from(doc.getElementsByTagName("item")).map(rssItem));
    case "feed":
      return distinct(Array.from(doc.getElementsByTagName("entry")).map(atomItem));
  }
  throw new Error(`${url} is not a feed: its root element is <${root?.tagName ?? "nothing"}>`);
}

/** Asks for the feed, by way of the page that names it; undefined when it has not changed since. */
async function ask(last: Answer): Promise<{ items: Item[]; answer: Answer } | undefined> {
  const headers: Record<string, string> = { accept: "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.8" };
  if (last.etag) headers["if-none-match"] = last.etag;
  if (last.modified) headers["if-modified-since"] = last.modified;
  const response = await fetch(last.url, { headers });
  if (response.status === 304) return undefined;
  if (!response.ok) throw new Error(`${last.url} answered ${response.status} ${response.statusText}`);
  const type = response.headers.get("content-type");
  const body = decodeText(await response.bytes(), type);
  const feed = last.url === last.of && /^\s*(<!--[^]*?-->\s*)*<(!doctype html|html)/i.test(body) ? feedOf(body, response.url || last.url) : "";
  if (feed && feed !== last.url) return ask({ of: last.of, url: feed, etag: "", modified: "" });
  const answer = { ...last, etag: response.headers.get("etag") ?? "", modified: response.headers.get("last-modified") ?? "" };
  return { items: parseFeed(body, last.url), answer };
}

/**
 * The items of both lists, each once. With all dates known they are in order of
 * date, so that an item the limit has dropped does not come back as a new one
 * while the feed still shows it; without, the feed's own order is kept.
 */
function newestFirst(known: Item[], found: Item[]): Item[] {
  const all = new Map<string, Item>();
  for (const item of known) all.set(item.id, item);
  const fresh = found.filter((i) => !all.has(i.id) && all.set(i.id, i));
  const list = [...fresh, ...known];
  if (list.some((i) => !i.pubDate)) return list;
  return list.sort((a, b) => a.pubDate < b.pubDate ? 1 : a.pubDate > b.pubDate ? -1 : 0);
}

const update = handler(
  {},
  {
    type: "object",
    properties: {
      settings: settingsSchema,
      items: { type: "array", items: itemSchema, default: [], asCell: true },
      answer: {
        type: "object",
        asCell: true,
        properties: {
          of: { type: "string", default: "" },
          url: { type: "string", default: "" },
          etag: { type: "string", default: "" },
          modified: { type: "string", default: "" },
        },
      },
    },
  },
  async (_event, state) => {
    const { feedUrl, limit } = state.settings as Settings;
    const items = state.items as unknown as Cell<Item[]>;
    if (!feedUrl) {
      console.log("no feed address is set (settings.feedUrl)");
      return;
    }
    const answer = state.answer as unknown as Cell<Answer>;
    const last = answer.get();
    const reply = await ask(last?.of === feedUrl ? { ...last } : { of: feedUrl, url: feedUrl, etag: "", modified: "" });
    if (!reply) {
      console.log("not changed");
      return;
    }
    answer.set(reply.answer);
    const found = reply.items;

    const known = (items.get() ?? []).map((i) => ({ ...i }));
    const merged = newestFirst(known, found).slice(0, Math.max(0, limit));
    const ids = new Set(known.map((i) => i.id));
    const fresh = merged.filter((i) => !ids.has(i.id));
    if (fresh.length === 0) {
      console.log(`nothing new in ${found.length} items`);
      return;
    }
    items.set(merged);
    console.log(`${fresh.length} new of ${found.length} items`);
  },
);

const setFeed = handler<{ detail: { value: string } }, { settings: Settings }>(
  (event, { settings }) => {
    settings.feedUrl = event.detail?.value ?? "";
  },
);

export default recipe(
  {
    type: "object",
    description: "RSS",
    properties: { settings: { ...settingsSchema, default: {} } },
  },
  ({ settings }) => {
    const items = cell<Item[]>([]);
    const answer = cell<Answer>({ of: "", url: "", etag: "", modified: "" });
    const state = { items, settings };
    return {
      [NAME]: str`RSS: ${settings.feedUrl}`,
      [UI]: (
        <common-vstack gap="md">
          <common-input
            value={settings.feedUrl}
            placeholder="https://example.org/feed.xml"
            oncommon-blur={setFeed({ settings })}
          />
          <common-updater $state={state} integration="rss" />
          <p>{derive(items, (list: Item[]) => (list ?? []).length)} items</p>
          <table>
            <tbody>
              {(items as any).map((item: any) => (
                <tr>
                  <td><a href={item.link}>{item.title}</a></td>
                  <td>{item.pubDate}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </common-vstack>
      ),
      settings,
      items,
      bgUpdater: update({ items, settings, answer }),
    };
  },
);
