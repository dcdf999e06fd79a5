// common-button and sl-button: a button whose text is what the recipe puts into it.

import { CharmElement, make } from "./element";
import type { Value } from "../protocol";

export class CharmButton extends CharmElement {
  protected readonly props: Record<string, Value> = { disabled: false, label: "", variant: "", outline: false, pill: false, size: "" };
  private readonly button = make("button", { type: "button" }, make("slot"));

  constructor() {
    super();
    this.shadow.append(this.button);
    // What is disabled takes no clicks, also none on its text.
    this.addEventListener("click", (e) => { if (this.button.disabled) e.stopImmediatePropagation(); }, true);
  }

  protected draw(): void {
    this.button.disabled = this.props.disabled === true || this.props.disabled === "";
    this.button.className = this.props.outline === true || this.text("variant") === "text" ? "quiet" : "";
    if (this.text("label") !== "") this.button.setAttribute("aria-label", this.text("label"));
  }
}
