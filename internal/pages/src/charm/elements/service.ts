// Elements that ask the service for something: common-updater, common-google-oauth. What a person decided is not taken
// back before the browser has asked, in a window that no charm draws over: a charm decides what is around these elements,
// and so where a click goes.

import { CharmElement, make } from "./element";
import { connectAccount, post } from "../ask";
import type { Lost, Standing, Value } from "../protocol";

/** The charm whose page this is, told by main.ts. */
export const page: { space: string; charmId: string; standing: Standing | undefined } = { space: "", charmId: "", standing: undefined };

const shown = new Set<ServiceElement>();

/** The charm stands otherwise than before. */
export function standingChanged(standing: Standing): void {
  page.standing = standing;
  for (const element of shown) element.refresh();
}

/** Whether an element of the charm's speaks of the account. */
export function speaksOf(lost: Lost): boolean {
  return [...shown].some((element) => element instanceof CharmGoogleOAuth && element.lost?.id === lost.id);
}

/** A button and a word beside it, which are drawn anew when the charm stands otherwise. */
abstract class ServiceElement extends CharmElement {
  protected readonly button = make("button", { type: "button" });
  protected readonly note = make("span", { className: "note" });

  constructor() {
    super();
    this.note.setAttribute("role", "status");
    this.shadow.append(make("div", { className: "row" }, this.button, this.note));
    this.button.addEventListener("click", () => void this.pressed());
  }

  override connectedCallback(): void {
    shown.add(this);
    super.connectedCallback();
  }

  disconnectedCallback(): void { shown.delete(this); }

  refresh(): void { this.draw(); }

  protected abstract pressed(): Promise<void>;
}

/** Registers the charm to run in the background, and says how that stands. */
export class CharmUpdater extends ServiceElement {
  protected readonly props: Record<string, Value> = { integration: "" };
  private state: "idle" | "pending" | "success" | "error" = "idle";
  private error = "";

  protected async pressed(): Promise<void> {
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
      : runs && s?.lost?.some(({ words }) => words === s.waiting) ? "Registered, and waits for its account"
      : runs && s?.waiting ? `Registered, and waits: ${s.waiting}`
      : runs && s?.paused ? "Registered, and paused"
      : state === "success" || runs ? `Registered: runs in the background${s?.integration ? ` (${s.integration})` : ""}`
      : "Does not run in the background yet";
  }
}

/** Connects a Google account to the cell it is bound to. */
export class CharmGoogleOAuth extends ServiceElement {
  protected readonly props: Record<string, Value> = { auth: null, label: "" };
  private busy = "";
  private error = "";

  private get account(): { connected?: boolean; name?: string; email?: string; cell?: Value } {
    return this.props.auth as object | null ?? {};
  }

  /** The account as it must be connected again. */
  get lost(): Lost | undefined {
    const cell = JSON.stringify(this.account.cell);
    return page.standing?.lost?.find((lost) => lost.cell !== undefined && JSON.stringify(lost.cell) === cell);
  }

  protected async pressed(): Promise<void> {
    if (this.busy !== "") return;
    const { connected, cell } = this.account;
    if (connected === true && !confirm("Disconnect this Google account? Charms that use it stop until it is connected again.")) return;
    const authCellId = JSON.stringify(cell);
    const leaves = connected === true && this.lost === undefined;
    this.error = "";
    this.busy = leaves ? "Disconnecting …" : "Waiting for Google …";
    this.draw();
    try {
      if (leaves) await post("/api/integrations/google-oauth/logout", { authCellId });
      else await connectAccount("google", { authCellId, integrationCharmId: page.charmId });
    } catch (failure) {
      this.error = (failure as Error).message;
    }
    this.busy = "";
    this.draw();
  }

  protected draw(): void {
    const { account: { connected, name, email, cell }, lost } = this;
    this.button.textContent = lost !== undefined ? "Connect again" : connected === true ? "Disconnect" : this.text("label") || "Connect Google";
    this.button.className = connected === true && lost === undefined ? "quiet" : "";
    this.button.disabled = cell === undefined;
    this.button.setAttribute("aria-disabled", String(this.busy !== ""));
    this.note.className = this.error === "" && lost === undefined ? "note" : "note error";
    this.note.textContent = this.error !== "" ? `Not connected: ${this.error}`
      : this.busy !== "" ? this.busy
      : lost !== undefined ? sentence(lost.words)
      : connected === true ? `Connected as ${[name, email].filter(Boolean).join(", ") || "somebody"}`
      : cell === undefined ? "This charm does not say where the account is kept ($auth)" : "Not connected";
  }
}

export function sentence(words: string): string { return words.charAt(0).toUpperCase() + words.slice(1); }
