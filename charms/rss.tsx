import { h } from "@commontools/html";
import { cell, derive, handler, NAME, recipe, str, UI } from "@commontools/builder";
import type { Cell } from "@commontools/runner";

type Item = {
  id: string;
  title: string;
  link: string;
  description: string;
  author: string;
  pubDate: string; // ISO 8601, "" when the feed gives none
};

type Settings = { feedUrl: string; limit: number };

const itemSchema = {
  type: "object",
  properties: {
    id: { type: "string", default: "" },
    title: { type: "string", default: "" },
    link: { type: "string", default: "" },
    description: { type: "string", default: "" },
    author: { type: "string", default: "" },
    pubDate: { type: "string", default: "" },
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

function isoDate(s: string): string {
  const ms = Date.parse(s);
  return Number.isNaN(ms) ? "" : new Date(ms).toISOString();
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
  const title = text(e, "title");
  return {
    id: text(e, "guid") || e.getAttribute("rdf:about") || link || title,
    title,
    link,
    description: text(e, "description", "content:encoded"),
    author: text(e, "dc:creator", "author"),
    pubDate: isoDate(text(e, "pubDate", "dc:date")),
  };
}

function atomItem(e: Element): Item {
  const link = atomLink(e);
  const title = text(e, "title");
  const author = child(e, "author");
  return {
    id: text(e, "id") || link || title,
    title,
    link,
    description: text(e, "summary", "content"),
    author: author ? text(author, "name") : "",
    pubDate: isoDate(text(e, "published", "updated")),
  };
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
      return Array.from(doc.getElementsByTagName("item")).map(rssItem);
    case "feed":
      return Array.from(doc.getElementsByTagName("entry")).map(atomItem);
  }
  throw new Error(`${url} is not a feed: its root element is <${root?.tagName ?? "nothing"}>`);
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
    },
  },
  async (_event, state) => {
    const { feedUrl, limit } = state.settings as Settings;
    const items = state.items as unknown as Cell<Item[]>;
    if (!feedUrl) {
      console.log("no feed address is set (settings.feedUrl)");
      return;
    }
    const response = await fetch(feedUrl);
    if (!response.ok) {
      throw new Error(`${feedUrl} answered ${response.status} ${response.statusText}`);
    }
    const found = parseFeed(await response.text(), feedUrl);

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
      bgUpdater: update({ items, settings }),
    };
  },
);
