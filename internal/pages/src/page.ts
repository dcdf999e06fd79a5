/**
 * What all pages do beyond what their HTML says: they keep themselves up to date,
 * and send their forms without going away. Without this script they work too, one
 * load at a time.
 */
import { morph } from "./morph.ts";

const main = document.querySelector("main")!;

/** Milliseconds from an answer to the next question, and after none came. */
const every = 2000;
const whenGone = 1000;

let etag = "";
let timer = 0;
let asked = 0; // counts questions: only the answer to the last one is shown
let sending = 0; // forms under way: their answers show how things stand
let mistake: Node | undefined; // what was wrong with the form that was sent last, told until one is sent once more

/** Whether the page keeps itself up to date, also when an error has come in its place. */
const live = main.querySelector("[data-live]") !== null;

async function show(answer: Response, mine: number): Promise<void> {
  const text = await answer.text();
  if (mine !== asked) return;
  etag = answer.headers.get("ETag") ?? "";
  const page = new DOMParser().parseFromString(text, "text/html");
  const fresh = page.querySelector("main");
  if (!fresh) return;
  if (mistake && !problem(fresh)) fresh.prepend(mistake.cloneNode(true));
  document.title = page.title;
  morph(main, fresh);
}

/** What a page says is wrong, with it or with a form. */
const problem = (page: Element) => page.querySelector(":scope > [role=alert]");

/** Says that the service does not answer, once it does not, and takes it back. */
function gone(is: boolean): void {
  const note = document.getElementById("gone");
  if (!is) note?.remove();
  if (!is || note) return;
  const p = document.createElement("p");
  p.id = "gone";
  p.setAttribute("role", "status");
  p.textContent = "charmd does not answer. This page goes on when it does.";
  document.body.append(p);
}

async function refresh(): Promise<void> {
  clearTimeout(timer);
  if (sending > 0) return;
  const mine = ++asked;
  let next = every;
  try {
    const answer = await fetch(location.href, { headers: { "Accept": "text/html", "If-None-Match": etag } });
    if (mine !== asked) return;
    gone(false);
    if (answer.status === 401) return location.reload();
    if (answer.status !== 304) await show(answer, mine);
  } catch {
    gone(true);
    next = whenGone;
  }
  if (mine === asked) later(next);
}

function later(ms: number): void {
  clearTimeout(timer);
  if (live && !document.hidden) timer = setTimeout(refresh, ms);
}

document.addEventListener("visibilitychange", () => later(0));

/** Takes back what was told of another try. */
function forget(): void {
  problem(main)?.remove();
  mistake = undefined;
}

async function send(form: HTMLFormElement, button: HTMLElement | null): Promise<void> {
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form, button as HTMLButtonElement | null)) body.append(name, String(value));
  const mine = ++asked;
  sending++;
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { "Accept": "text/html" } });
    if (answer.redirected && new URL(answer.url).pathname !== location.pathname) return location.assign(answer.url);
    if (answer.ok) form.reset();
    if (mine === asked) {
      forget();
      await show(answer, mine);
      mistake = problem(main)?.cloneNode(true);
      problem(main)?.scrollIntoView({ block: "nearest" });
    }
    gone(false);
  } catch {
    forget();
    gone(true);
  } finally {
    sending--;
    form.removeAttribute("aria-busy");
    later(every);
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement;
  if (form.hasAttribute("data-plain")) return;
  const ask = (event.submitter ?? form).getAttribute("data-ask");
  if (ask && !confirm(ask)) return event.preventDefault();
  event.preventDefault();
  if (form.method === "post") return void send(form, event.submitter);
  search(form);
});

/** A search is an address: what is typed is shown at once, and can be kept and shared. */
function search(form: HTMLFormElement): void {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value) query.append(name, String(value));
  const text = query.toString();
  history.replaceState(null, "", location.pathname + (text && "?" + text));
  refresh();
}

let typed = 0;
document.addEventListener("input", (event) => {
  const form = (event.target as HTMLInputElement).form;
  if (form?.getAttribute("role") !== "search") return;
  clearTimeout(typed);
  typed = setTimeout(() => search(form), 120);
});

later(every);
