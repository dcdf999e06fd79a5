// Elements that take text: common-input, common-todo, common-send-message.

import { CharmElement, make } from "./element";
import { setText } from "../fields";
import type { Value } from "../protocol";

export class CharmInput extends CharmElement {
  protected readonly props: Record<string, Value> = {
    value: "", placeholder: "", label: "", type: "text", name: "", appearance: "", disabled: false, readonly: false,
  };
  private readonly input = make("input");
  private readonly caption = make("span");

  constructor() {
    super();
    this.shadow.append(make("label", {}, this.caption, this.input));
    this.input.addEventListener("input", () => {
      this.props.value = this.input.value;
      this.tell("common-input", { id: this.ownID, value: this.input.value });
    });
    this.input.addEventListener("change", () => {
      this.tell("common-change", { id: this.ownID, value: this.input.value });
      this.dispatchEvent(new Event("change", { bubbles: true })); // the control's own does not leave the shadow
    });
    this.input.addEventListener("blur", () => this.tell("common-blur", { id: this.ownID, value: this.input.value }));
    this.input.addEventListener("keydown", ({ key }) => this.tell("common-keydown", { id: this.ownID, key, value: this.input.value }));
  }

  protected draw(): void {
    const { input } = this;
    setText(input, this.text("value"));
    input.type = this.text("type") || "text";
    input.placeholder = this.text("placeholder");
    input.disabled = this.props.disabled === true;
    input.readOnly = this.props.readonly === true;
    this.caption.textContent = this.text("label");
    this.caption.hidden = this.text("label") === "";
    if (this.caption.hidden) input.setAttribute("aria-label", this.text("placeholder") || this.text("name") || "Text");
  }
}

export class CharmTodo extends CharmElement {
  protected readonly props: Record<string, Value> = { checked: false, value: "", placeholder: "", label: "" };
  private readonly box = make("input", { type: "checkbox" });
  private readonly input = make("input", { type: "text", className: "grow" });

  constructor() {
    super();
    this.shadow.append(make("div", { className: "row" }, this.box, this.input));
    this.box.addEventListener("change", () => {
      this.props.checked = this.box.checked;
      this.draw();
      this.tell("todo-checked", this.state());
      this.dispatchEvent(new Event("change", { bubbles: true }));
    });
    this.input.addEventListener("input", () => {
      this.props.value = this.input.value;
      this.tell("todo-input", this.state());
    });
    this.input.addEventListener("blur", () => this.tell("todo-blur", this.state()));
  }

  private state(): Value { return { id: this.ownID, checked: this.box.checked, value: this.input.value }; }

  protected draw(): void {
    const what = this.text("label") || this.text("value") || this.text("placeholder") || "entry";
    this.box.checked = this.props.checked === true;
    this.box.setAttribute("aria-label", `Done: ${what}`);
    setText(this.input, this.text("value"));
    this.input.placeholder = this.text("placeholder");
    this.input.setAttribute("aria-label", this.text("label") || this.text("placeholder") || "What is to do");
    this.input.classList.toggle("done", this.box.checked);
  }
}

export class CharmSendMessage extends CharmElement {
  protected readonly props: Record<string, Value> = { name: "", placeholder: "", label: "", disabled: false };
  private readonly input = make("input", { type: "text", className: "grow" });
  private readonly button = make("button", { type: "submit" });

  constructor() {
    super();
    const form = make("form", { className: "row" }, this.input, this.button);
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      e.stopPropagation();
      const message = this.input.value;
      if (message.trim() === "") return;
      this.input.value = "";
      this.tell("messagesend", { message });
    });
    this.shadow.append(form);
  }

  protected draw(): void {
    this.input.placeholder = this.text("placeholder");
    this.input.setAttribute("aria-label", this.text("label") || this.text("placeholder") || this.text("name") || "Message");
    this.button.textContent = this.text("name") || "Send";
    this.input.disabled = this.button.disabled = this.props.disabled === true;
  }
}
