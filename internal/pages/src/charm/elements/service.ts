// Elements that ask the service for something: common-updater, common-google-oauth. What a person decided is not taken
// back before the browser has asked, in a window that no charm draws over: a charm decides what is around these elements,
// and so where a click goes.

import { CharmElement, make } from "./element";
import type { Standing, Value } from "../protocol";

/** The charm whose page this is, told by main.ts. */
export const page: { space: string; charmId: string; standing: Standing | undefined } = { space: "", charmId: "", standing: undefined };

const updaters = new Set<CharmUpdater>();

/** The charm stands otherwise than before. */
export function standingChanged(standing: Standing): void {
  page.standing = standing;
  for (const updater of updaters) updater.refresh();
}

async function post(path: string, body: object): Promise<Record<string, unknown>> {
  const reply = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const answer = await reply.json().catch(() => ({})) as Record<string, unknown>;
  if (reply.ok && answer.success !== false) return answer;
  const { error } = answer;
  const message = typeof error === "string" ? error : (error as { message?: string } | undefined)?.message;
  throw new Error(message ?? `the service answered ${reply.status}`);
}

/** Registers the charm to run in the background, and says how that stands. */
export class CharmUpdater extends CharmElement {
  protected readonly props: Record<string, Value> = { integration: "" };
  private state: "idle" | "pending" | "success" | "error" = "idle";
  private error = "";
  private readonly button = make("button", { type: "button" });
  private readonly note = make("span", { className: "note" });

  constructor() {
    super();
    this.note.setAttribute("role", "status");
    this.shadow.append(make("div", { className: "row" }, this.button, this.note));
    this.button.addEventListener("click", () => void this.register());
  }

  override connectedCallback(): void {
    updaters.add(this);
    super.connectedCallback();
  }

  disconnectedCallback(): void { updaters.delete(this); }

  refresh(): void { this.draw(); }

  private async register(): Promise<void> {
    if (this.state === "pending") return;
    const { disabled, by } = page.standing ?? {};
    if (disabled === true && by === "person" && !confirm("This charm was disabled by a person. Enable it, so that it runs in the background again?")) return;
    this.become("pending");
    try {
      await post("/api/integrations/bg", { charmId: page.charmId, space: page.space, integration: this.text("integration") });
      this.become("success");
      setTimeout(() => { if (this.state === "success") this.become("idle"); }, 3000);
    } catch (failure) {
      this.error = (failure as Error).message;
      this.become("error");
    }
  }

  private become(state: CharmUpdater["state"]): void {
    this.state = state;
    this.draw();
  }

  protected draw(): void {
    const s = page.standing;
    const runs = s?.registered === true && s.disabled !== true;
    const { state } = this;
    this.dataset.state = state;
    // It stays where it is, so that who has just pressed it keeps the focus.
    this.button.setAttribute("aria-disabled", String(state === "pending"));
    this.button.className = runs ? "quiet" : "";
    this.button.textContent = s?.disabled === true ? "Enable again" : runs ? "Register again" : "Run in the background";
    this.note.className = state === "error" || s?.disabled === true ? "note error" : "note";
    this.note.textContent = state === "pending" ? "Registering …"
      : state === "error" ? `Not registered: ${this.error}`
      : s?.disabled === true ? `Disabled: ${s.reason || "no reason was given"}`
      : runs && s?.waiting ? `Registered, and waits: ${s.waiting}`
      : runs && s?.paused ? "Registered, and paused"
      : state === "success" || runs ? `Registered: runs in the background${s?.integration ? ` (${s.integration})` : ""}`
      : "Does not run in the background yet";
  }
}

/** Connects a Google account to the cell it is bound to. */
export class CharmGoogleOAuth extends CharmElement {
  protected readonly props: Record<string, Value> = { auth: null, label: "" };
  private busy = "";
  private error = "";
  private readonly button = make("button", { type: "button" });
  private readonly note = make("span", { className: "note" });

  constructor() {
    super();
    this.note.setAttribute("role", "status");
    this.shadow.append(make("div", { className: "row" }, this.button, this.note));
    this.button.addEventListener("click", () => void this.act());
  }

  private get account(): { connected?: boolean; name?: string; email?: string; cell?: Value } {
    return this.props.auth as object | null ?? {};
  }

  private async act(): Promise<void> {
    if (this.busy !== "") return;
    const { connected, cell } = this.account;
    if (connected === true && !confirm("Disconnect this Google account? Charms that use it stop until it is connected again.")) return;
    const authCellId = JSON.stringify(cell);
    this.error = "";
    this.busy = connected === true ? "Disconnecting …" : "Waiting for Google …";
    this.draw();
    try {
      if (connected === true) await post("/api/integrations/google-oauth/logout", { authCellId });
      else await this.login(authCellId);
    } catch (failure) {
      this.error = (failure as Error).message;
    }
    this.busy = "";
    this.draw();
  }

  /** Opens Google's page and waits until it is closed or tells how it went. */
  private async login(authCellId: string): Promise<void> {
    const { url } = await post("/api/integrations/google-oauth/login", { authCellId, integrationCharmId: page.charmId });
    const popup = window.open(String(url), "oauth", "popup,width=520,height=680");
    if (popup === null) throw new Error("the browser did not open Google's page: allow this site to open windows");
    await new Promise<void>((done, fail) => {
      const closed = setInterval(() => { if (popup.closed) end(done); }, 500);
      const told = ({ origin, data }: MessageEvent): void => {
        if (origin !== location.origin || data?.type !== "oauth-callback") return;
        end(() => data.result?.success === true ? done() : fail(new Error(String(data.result?.error ?? "it was not connected"))));
      };
      const end = (then: () => void): void => {
        clearInterval(closed);
        removeEventListener("message", told);
        then();
      };
      addEventListener("message", told);
    });
  }

  protected draw(): void {
    const { connected, name, email, cell } = this.account;
    this.button.textContent = connected === true ? "Disconnect" : this.text("label") || "Connect Google";
    this.button.className = connected === true ? "quiet" : "";
    this.button.disabled = cell === undefined;
    this.button.setAttribute("aria-disabled", String(this.busy !== ""));
    this.note.className = this.error === "" ? "note" : "note error";
    this.note.textContent = this.error !== "" ? `Not connected: ${this.error}`
      : this.busy !== "" ? this.busy
      : connected === true ? `Connected as ${[name, email].filter(Boolean).join(", ") || "somebody"}`
      : cell === undefined ? "This charm does not say where the account is kept ($auth)" : "Not connected";
  }
}
