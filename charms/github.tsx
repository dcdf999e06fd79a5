import { h } from "@commontools/html";
import { cell, derive, handler, NAME, recipe, str, UI } from "@commontools/builder";
import type { Cell } from "@commontools/runner";

type Item = { id: string; kind: string; title: string; link: string; author: string; state: string; date: string };

/** How to ask whether an answer has changed, and when to ask first (ms since 1970). */
type Answer = { etag?: string; modified?: string; next?: number };

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
  return { id: `issue/${i.id}`, kind, title: `#${i.number} ${i.title}`, link: i.html_url, author: i.user?.login ?? "", state: i.state, date: i.updated_at ?? "" };
}

function notification(n: any): Item {
  return {
    id: `notification/${n.id}`, kind: "notification", title: n.subject?.title ?? "", link: n.repository?.html_url ?? "",
    author: n.repository?.full_name ?? "", state: n.unread ? n.reason : "read", date: n.updated_at ?? "",
  };
}

/** Whether it is too early to ask. GitHub says so of an hour at most: what is later comes of a clock that was set back. */
function early(until: number): boolean {
  const left = until - Date.now();
  return left > 0 && left <= 2 * 3_600_000;
}

const update = handler(
  {},
  {
    type: "object",
    properties: {
      settings: settingsSchema,
      items: { type: "array", default: [], asCell: true },
      answers: { type: "object", default: {}, asCell: true },
      notBefore: { type: "number", default: 0, asCell: true },
    },
  },
  async (_event, state) => {
    const { repo, releases, issues, notifications, connection, limit, api } = state.settings;
    if (repo && !/^[\w.-]+\/[\w.-]+$/.test(repo)) throw new Error(`settings.repo is owner/name, not ${repo}`);
    if (early(state.notBefore.get())) {
      console.log(`GitHub's limit is used up until ${new Date(state.notBefore.get()).toISOString()}`);
      return;
    }
    const questions: [path: string, read: (entry: any) => Item][] = [];
    if (repo && releases) questions.push([`/repos/${repo}/releases?per_page=30`, release]);
    if (repo && issues) questions.push([`/repos/${repo}/issues?state=all&sort=updated&per_page=100`, issue]);
    if (notifications) questions.push(["/notifications?all=true&per_page=50", notification]);
    if (questions.length === 0) console.log("nothing to ask for is set (settings.repo, settings.notifications)");

    const items = state.items as unknown as Cell<Item[]>;
    const cellOfAnswers = state.answers as unknown as Cell<Record<string, Answer>>;
    const answers: Record<string, Answer> = JSON.parse(JSON.stringify(cellOfAnswers.get() ?? {}));
    const all = new Map((items.get() ?? []).map((i) => [i.id, { ...i }]));
    for (const [path, read] of questions) {
      const last = answers[path] ?? {};
      if (early(last.next ?? 0)) continue;
      const headers: Record<string, string> = { accept: "application/vnd.github+json", "x-github-api-version": "2022-11-28" };
      if (last.etag) headers["if-none-match"] = last.etag;
      if (last.modified) headers["if-modified-since"] = last.modified;
      const response = await fetch(api + path, { headers, ...(connection ? { connection } : {}) });
      const interval = Math.min(Number(response.headers.get("x-poll-interval")) || 0, 3600); // of notifications: GitHub says how often to ask
      if (response.status === 304) {
        if (interval > 0) answers[path] = { ...last, next: Date.now() + 1000 * interval };
        continue;
      }
      if ((response.status === 403 || response.status === 429) && response.headers.get("x-ratelimit-remaining") === "0") {
        state.notBefore.set(Number(response.headers.get("x-ratelimit-reset")) * 1000 || Date.now() + 3_600_000);
        console.warn("GitHub's limit of requests is used up; with a connected account it is larger (settings.connection)");
        break;
      }
      if (!response.ok) throw new Error(`${api + path} answered ${response.status} ${response.statusText}`);
      const entries = await response.json();
      if (!Array.isArray(entries)) throw new Error(`${api + path} did not answer with a list`);
      for (const item of entries.filter(Boolean).map(read)) all.set(item.id, item);
      answers[path] = { etag: response.headers.get("etag") ?? "", modified: response.headers.get("last-modified") ?? "" };
      if (interval > 0) answers[path]!.next = Date.now() + 1000 * interval;
    }
    const known = (items.get() ?? []).length;
    const newest = [...all.values()].sort((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : 0));
    items.set(newest.slice(0, Math.max(0, limit)));
    cellOfAnswers.set(answers);
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
    const answers = cell({});
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
      bgUpdater: update({ settings, items, answers, notBefore }),
    };
  },
);
