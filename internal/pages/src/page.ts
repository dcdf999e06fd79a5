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
let sending = 0; // forms under way: what they are answered is not asked for again, and may be a mistake

async function show(answer: Response, mine: number): Promise<void> {
  const text = await answer.text();
  if (mine !== asked) return;
  etag = answer.headers.get("ETag") ?? "";
  const page = new DOMParser().parseFromString(text, "text/html");
  const fresh = page.querySelector("main");
  if (!fresh) return;
  document.title = page.title;
  morph(main, fresh);
}

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

/** Asks again, but not while a mistake is told: that stays until its form is sent once more. */
function later(ms: number): void {
  clearTimeout(timer);
  if (main.querySelector("[data-live]") && !mistake() && !document.hidden) timer = setTimeout(refresh, ms);
}

const mistake = () => main.querySelector<HTMLElement>("[role=alert]");

document.addEventListener("visibilitychange", () => later(0));

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
    await show(answer, mine);
    gone(false);
    mistake()?.scrollIntoView({ block: "nearest" });
  } catch {
    mistake()?.remove(); // of another try; this one is not answered
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
