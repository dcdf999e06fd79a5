import { h } from "@commontools/html";
import { cell, derive, getRecipeEnvironment, handler, NAME, recipe, UI } from "@commontools/builder";
import type { Cell } from "@commontools/runner";

type Attachment = { name: string; url: string; size: number };
type Message = { id: string; channel: string; author: string; title: string; text: string; link: string; date: string; attachments: Attachment[] };

const settingsSchema = {
  type: "object",
  properties: {
    token: { type: "string", default: "" }, // of a bot that may read the channels
    channels: { type: "string", default: "" }, // ids, with commas between
    limit: { type: "number", default: 500 }, // messages kept of each channel
    api: { type: "string", default: "https://discord.com/api/v10" },
  },
} as const;

/** Ids are numbers that grow with time, too long for numbers. */
function later(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

function message(m: any, channel: string): Message {
  const text = String(m.content ?? "");
  return {
    id: m.id, channel, text, title: text.split("\n")[0]!.slice(0, 120), author: m.author?.global_name ?? m.author?.username ?? "",
    link: `https://discord.com/channels/${m.guild_id ?? "@me"}/${channel}/${m.id}`, date: m.timestamp ?? "",
    attachments: (m.attachments ?? []).map((a: any) => ({ name: a.filename, url: a.url, size: a.size })),
  };
}

const update = handler(
  {},
  {
    type: "object",
    properties: { settings: settingsSchema, messages: { type: "array", default: [], asCell: true } },
  },
  async (_event, state) => {
    const { token, channels, limit, api } = state.settings;
    const list = channels.split(/[\s,]+/).filter(Boolean);
    if (!token || list.length === 0) {
      console.log("no token or no channel is set (settings.token, settings.channels)");
      return;
    }
    const messages = state.messages as unknown as Cell<Message[]>;
    const known: Message[] = JSON.parse(JSON.stringify(messages.get() ?? []));
    const all = known.filter((m) => list.includes(m.channel));
    let fresh = 0;
    for (const channel of list) {
      const ids = new Set(all.filter((m) => m.channel === channel).map((m) => m.id));
      const last = [...ids].sort(later).at(-1);
      const url = `${api}/channels/${encodeURIComponent(channel)}/messages?limit=100${last ? `&after=${last}` : ""}`;
      const response = await fetch(url, { headers: { authorization: `Bot ${token}` } });
      if (!response.ok) throw new Error(`channel ${channel}: Discord answered ${response.status} ${response.statusText}`);
      const page = await response.json();
      if (!Array.isArray(page)) throw new Error(`channel ${channel}: Discord did not answer with a list`);
      for (const m of page) {
        if (!/^\d{1,20}$/.test(m?.id) || ids.has(m.id)) continue;
        ids.add(m.id);
        all.push(message(m, channel));
        fresh++;
      }
      if (last && page.length === 100) getRecipeEnvironment().again(); // there are more behind
    }
    const kept = list.flatMap((channel) => all.filter((m) => m.channel === channel).sort((a, b) => later(b.id, a.id)).slice(0, Math.max(1, limit)));
    messages.set(kept.sort((a, b) => later(b.id, a.id)));
    console.log(`${fresh} new`);
  },
);

const setChannels = handler<{ detail: { value: string } }, { settings: { channels: string } }>((event, { settings }) => {
  settings.channels = event.detail?.value ?? "";
});

export default recipe(
  { type: "object", description: "Discord", properties: { settings: { ...settingsSchema, default: {} } } },
  ({ settings }) => {
    const messages = cell<Message[]>([]);
    return {
      [NAME]: "Discord",
      [UI]: (
        <common-vstack gap="md">
          <common-input value={settings.channels} placeholder="ids of channels" oncommon-blur={setChannels({ settings })} />
          <common-updater $state={messages} integration="discord" />
          <p>{derive(messages, (list: Message[]) => (list ?? []).length)} messages</p>
          <ul>
            {(messages as any).map((m: any) => <li><a href={m.link}>{m.author}</a>: {m.text}</li>)}
          </ul>
        </common-vstack>
      ),
      settings,
      messages,
      bgUpdater: update({ settings, messages }),
    };
  },
);
