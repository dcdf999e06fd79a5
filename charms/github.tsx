import { h } from "@commontools/html";
import { cell, derive, handler, NAME, recipe, str, UI } from "@commontools/builder";
import type { Cell } from "@commontools/runner";

type Item = { id: string; kind: string; title: string; link: string; author: string; state: string; date: string };

const settingsSchema = {
  type: "object",
  properties: {
    repo: { type: "string", default: "" }, // owner/name
    releases: { type: "boolean", default: true },
    issues: { type: "boolean", default: true }, // pull requests too
    notifications: { type: "boolean", default: false }, // of the connected account
    connection: { type: "string", default: "" }, // "github" asks with the connected account
    limit: { type: "number", default: 100 },
    api: { type: "string", default: "https://api.github.com" },
  },
} as const;

function release(r: any): Item {
  return {
    id: `release/${r.id}`, kind: "release", title: r.name || r.tag_name, link: r.html_url, author: r.author?.login ?? "",
    state: r.prerelease ? "prerelease" : "released", date: r.published_at ?? r.created_at ?? "",
  };
}

function issue(i: any): Item {
  const kind = i.pull_request ? "pull request" : "issue";
  return { id: `issue/${i.id}`, kind, title: `#${i.number} ${i.title}`, link: i.html_url, author: i.user?.login ?? "", state: i.state, date: i.updated_at };
}

function notification(n: any): Item {
  return {
    id: `notification/${n.id}`, kind: "notification", title: n.subject?.title ?? "", link: n.repository?.html_url ?? "",
    author: n.repository?.full_name ?? "", state: n.unread ? n.reason : "read", date: n.updated_at,
  };
}

const update = handler(
  {},
  {
    type: "object",
    properties: {
      settings: settingsSchema,
      items: { type: "array", default: [], asCell: true },
      etags: { type: "object", default: {}, asCell: true },
      notBefore: { type: "number", default: 0, asCell: true },
    },
  },
  async (_event, state) => {
    const { repo, releases, issues, notifications, connection, limit, api } = state.settings;
    if (repo && !/^[\w.-]+\/[\w.-]+$/.test(repo)) throw new Error(`settings.repo is owner/name, not ${repo}`);
    if (Date.now() < state.notBefore.get()) {
      console.log(`GitHub's limit is used up until ${new Date(state.notBefore.get()).toISOString()}`);
      return;
    }
    const questions: [path: string, read: (entry: any) => Item][] = [];
    if (repo && releases) questions.push([`/repos/${repo}/releases?per_page=30`, release]);
    if (repo && issues) questions.push([`/repos/${repo}/issues?state=all&sort=updated&per_page=100`, issue]);
    if (notifications) questions.push(["/notifications?all=true&per_page=50", notification]);
    if (questions.length === 0) console.log("nothing to ask for is set (settings.repo, settings.notifications)");

    const items = state.items as unknown as Cell<Item[]>;
    const etags = state.etags as unknown as Cell<Record<string, string>>;
    const tags: Record<string, string> = { ...etags.get() };
    const all = new Map((items.get() ?? []).map((i) => [i.id, { ...i }]));
    for (const [path, read] of questions) {
      const headers: Record<string, string> = { accept: "application/vnd.github+json", "x-github-api-version": "2022-11-28" };
      if (tags[path]) headers["if-none-match"] = tags[path]!;
      const response = await fetch(api + path, { headers, ...(connection ? { connection } : {}) });
      if (response.status === 304) continue;
      if ((response.status === 403 || response.status === 429) && response.headers.get("x-ratelimit-remaining") === "0") {
        state.notBefore.set(Number(response.headers.get("x-ratelimit-reset")) * 1000 || Date.now() + 3_600_000);
        console.warn("GitHub's limit of requests is used up; with a connected account it is larger (settings.connection)");
        break;
      }
      if (!response.ok) throw new Error(`${api + path} answered ${response.status} ${response.statusText}`);
      const entries = await response.json();
      if (!Array.isArray(entries)) throw new Error(`${api + path} did not answer with a list`);
      for (const item of entries.map(read)) all.set(item.id, item);
      tags[path] = response.headers.get("etag") ?? "";
    }
    const known = (items.get() ?? []).length;
    const newest = [...all.values()].sort((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : 0));
    items.set(newest.slice(0, Math.max(0, limit)));
    etags.set(tags);
    console.log(`${all.size - known} new`);
  },
);

const setRepo = handler<{ detail: { value: string } }, { settings: { repo: string } }>((event, { settings }) => {
  settings.repo = event.detail?.value ?? "";
});

export default recipe(
  { type: "object", description: "GitHub", properties: { settings: { ...settingsSchema, default: {} } } },
  ({ settings }) => {
    const items = cell<Item[]>([]);
    const etags = cell({});
    const notBefore = cell(0);
    return {
      [NAME]: str`GitHub: ${settings.repo}`,
      [UI]: (
        <common-vstack gap="md">
          <common-input value={settings.repo} placeholder="owner/name" oncommon-blur={setRepo({ settings })} />
          <common-updater $state={items} integration="github" />
          <p>{derive(items, (list: Item[]) => (list ?? []).length)} entries</p>
          <table>
            <tbody>
              {(items as any).map((item: any) => (
                <tr>
                  <td>{item.kind}</td>
                  <td><a href={item.link}>{item.title}</a></td>
                  <td>{item.state}</td>
                  <td>{item.date}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </common-vstack>
      ),
      settings,
      items,
      bgUpdater: update({ settings, items, etags, notBefore }),
    };
  },
);
