import { h } from "@commontools/html";
import { cell, derive, handler, NAME, recipe, str, UI } from "@commontools/builder";
import type { Cell } from "@commontools/runner";
import { decodeText } from "charmd/formats";

type Item = { id: string; title: string; link: string; date: string; data: unknown };

const settingsSchema = {
  type: "object",
  properties: {
    url: { type: "string", default: "" },
    list: { type: "string", default: "" }, // path of the list in the reply: "data.items"; "" for the reply itself
    id: { type: "string", default: "id" }, // paths in an entry
    title: { type: "string", default: "title" },
    link: { type: "string", default: "url" },
    date: { type: "string", default: "date" },
    connection: { type: "string", default: "" }, // account to ask with, by its provider's name
    limit: { type: "number", default: 100 },
  },
} as const;

/** What stands at a path of names and numbers, "a.0.b". */
function at(value: any, path: string): any {
  return path.split(".").filter(Boolean).reduce((v, key) => (Object.hasOwn(Object(v), key) ? v[key] : undefined), value);
}

function text(entry: unknown, path: string): string {
  const value = at(entry, path);
  return value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
}

const update = handler(
  {},
  {
    type: "object",
    properties: {
      settings: settingsSchema,
      items: { type: "array", default: [], asCell: true },
      etag: { type: "string", default: "", asCell: true },
    },
  },
  async (_event, state) => {
    const { url, list, connection, limit, ...fields } = state.settings;
    if (!url) {
      console.log("no address is set (settings.url)");
      return;
    }
    const asked = JSON.stringify(state.settings);
    const [last, tag] = (state.etag.get() ?? "").split("\n");
    const response = await fetch(url, {
      headers: { accept: "application/json", ...(last === asked && tag ? { "if-none-match": tag } : {}) },
      ...(connection ? { connection } : {}),
    });
    if (response.status === 304) {
      console.log("not changed");
      return;
    }
    if (!response.ok) throw new Error(`${url} answered ${response.status} ${response.statusText}`);
    let reply: unknown;
    try {
      reply = JSON.parse(decodeText(await response.bytes(), response.headers.get("content-type")));
    } catch (e) {
      throw new Error(`${url} is not JSON: ${(e as Error).message}`);
    }
    const entries = at(reply, list);
    if (!Array.isArray(entries)) throw new Error(`${url} has no list at ${list || "its top"} (settings.list)`);
    const found = new Map<string, Item>();
    for (const data of entries) {
      const title = typeof data === "object" ? text(data, fields.title) : String(data);
      const id = text(data, fields.id) || text(data, fields.link) || title || JSON.stringify(data);
      if (!found.has(id)) found.set(id, { id, title, link: text(data, fields.link), date: text(data, fields.date), data });
    }
    const items = state.items as unknown as Cell<Item[]>;
    const known: Item[] = JSON.parse(JSON.stringify(items.get() ?? []));
    const fresh = [...found.values()].filter((i) => !known.some((k) => k.id === i.id));
    items.set([...fresh, ...known.map((k) => found.get(k.id) ?? k)].slice(0, Math.max(0, limit)));
    state.etag.set(`${asked}\n${response.headers.get("etag") ?? ""}`);
    console.log(`${fresh.length} new of ${found.size} entries`);
  },
);

const setURL = handler<{ detail: { value: string } }, { settings: { url: string } }>((event, { settings }) => {
  settings.url = event.detail?.value ?? "";
});

export default recipe(
  { type: "object", description: "JSON", properties: { settings: { ...settingsSchema, default: {} } } },
  ({ settings }) => {
    const items = cell<Item[]>([]);
    const etag = cell("");
    return {
      [NAME]: str`JSON: ${settings.url}`,
      [UI]: (
        <common-vstack gap="md">
          <common-input value={settings.url} placeholder="https://example.org/list.json" oncommon-blur={setURL({ settings })} />
          <common-updater $state={items} integration="json" />
          <p>{derive(items, (list: Item[]) => (list ?? []).length)} entries</p>
          <ul>
            {(items as any).map((item: any) => <li><a href={item.link}>{item.title}</a> {item.date}</li>)}
          </ul>
        </common-vstack>
      ),
      settings,
      items,
      bgUpdater: update({ settings, items, etag }),
    };
  },
);
