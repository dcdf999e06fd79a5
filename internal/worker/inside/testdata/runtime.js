// A runtime of a few lines, for tests of the Go side: the recipe's default export
// is called with the host functions themselves and the task.
const host = globalThis.__host;
delete globalThis.__host;
const waiting = new Map();
let last = 0, main, task, pending = false;
let error = { name: "Error", message: "never settled", stack: "" };
const failures = [];
const describe = (e) => ({ name: e?.name ?? "", message: e?.message ?? String(e), stack: e?.stack ?? "" });
const api = {
  host,
  timer(ms, done, repeat) {
    waiting.set(++last, done);
    host.timer(last, ms, repeat ? 1 : 0);
    return last;
  },
  sleep: (ms) => new Promise((done) => api.timer(ms, done)),
  fetch: (url, head, body) =>
    new Promise((done) => {
      waiting.set(++last, (head, body) => done({ ...JSON.parse(head), body: new Uint8Array(body) }));
      host.fetch(last, JSON.stringify({ method: "GET", url, headers: [], redirect: "follow", ...head }), body);
    }),
  text: (bytes) => host.utf8(bytes, "utf-8", 0),
  last: () => last,
  save: (value) => host.put(task.charm, JSON.stringify({ value })),
};
globalThis.__charmd_define = (code) => {
  const module = { exports: {} };
  code(() => api, module.exports, module).then(() => main = module.exports.default, (e) => error = describe(e));
};
globalThis.__charmd = {
  loaded: () => JSON.stringify(main ? { ok: true } : { ok: false, error }),
  start(json) {
    task = JSON.parse(json);
    if (task.event === "throw") throw new TypeError("start failed");
    pending = true;
    Promise.resolve().then(() => main(api, task)).then(
      () => pending = false,
      (e) => {
        pending = false;
        failures.push({ kind: "handler", ...describe(e) });
      },
    );
  },
  settle: (op, head, body) => waiting.get(op)?.(head, body),
  finish: () =>
    JSON.stringify({
      handled: true,
      updater: true,
      name: null,
      integration: null,
      again: false,
      stuck: pending ? { what: "handler", name: "main", stack: "" } : null,
      failures,
      changed: 0,
    }),
};
