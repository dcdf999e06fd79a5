// What people type. A value that comes from the service never takes the place of one that is being typed, or that is
// on its way to the service.

import type { Acts, Answered } from "./acts";
import { CharmElement } from "./elements/element";
import type { Value } from "./protocol";

const typingPause = 150; // ms without a key after which a bound value is written

type Typed = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

export function isField(el: Element): el is Typed {
  return el instanceof HTMLInputElement || el instanceof HTMLTextAreaElement || el instanceof HTMLSelectElement;
}

/** One property of one element, "value" or "checked", as the service last had it. */
class Field {
  known: Value | undefined;
  writing = 0;
  timer = 0;

  constructor(readonly el: Element, readonly name: string) {}

  get shown(): Value {
    return this.el instanceof CharmElement ? this.el.get(this.name) : (this.el as unknown as Record<string, Value>)[this.name] ?? null;
  }

  private show(value: Value): void {
    const { el, name } = this;
    if (el instanceof CharmElement) return el.set(name, value);
    if (name === "checked") (el as HTMLInputElement).checked = value === true;
    else if (el instanceof HTMLInputElement && (el.type === "checkbox" || el.type === "radio")) el.setAttribute("value", text(value));
    else setText(el as Typed, text(value));
  }

  /** The service says so. */
  apply(value: Value): void {
    const typed = this.known !== undefined && !same(this.shown, this.known) && holdsFocus(this.el);
    this.known = value;
    if (this.writing === 0 && this.timer === 0 && !typed) this.show(value);
  }
}

function same(a: Value | undefined, b: Value | undefined): boolean {
  return typeof a === "boolean" || typeof b === "boolean" ? (a === true) === (b === true) : text(a) === text(b);
}

export function text(value: Value | undefined): string { return value === null || value === undefined ? "" : String(value); }

function holdsFocus(el: Element): boolean { return el.matches(":focus, :focus-within"); }

/** Sets the text of a field and leaves the caret where it is. */
export function setText(el: Typed, value: string): void {
  if (el.value === value) return;
  const caret = el instanceof HTMLSelectElement || document.activeElement !== el ? null : el.selectionStart;
  el.value = value;
  if (caret !== null) (el as HTMLInputElement).setSelectionRange(caret, caret);
}

export class Fields {
  private readonly fields = new WeakMap<Element, Map<string, Field>>();
  private readonly typing = new Map<Field, () => void>();

  constructor(private readonly acts: Acts) { acts.beforeEvent = () => this.flush(); }

  private field(el: Element, name: string): Field {
    let all = this.fields.get(el);
    if (all === undefined) this.fields.set(el, all = new Map());
    let field = all.get(name);
    if (field === undefined) all.set(name, field = new Field(el, name));
    return field;
  }

  /** The service's value for what an element shows. */
  apply(el: Element, name: string, value: Value): void { this.field(el, name).apply(value); }

  /** Writes what is typed into `el` to the cell that `name` of the node is bound to. */
  bind(el: Element, node: () => string, name: string, answered: Answered): void {
    const field = this.field(el, name);
    const write = (): void => {
      clearTimeout(field.timer);
      field.timer = 0;
      this.typing.delete(field);
      const value = field.shown;
      if (field.writing === 0 && same(value, field.known)) return;
      field.writing++;
      this.acts.write(node(), name, value, (error, at) => {
        field.writing--;
        if (error === undefined) field.known = value;
        answered(error, at);
      });
    };
    el.addEventListener("input", () => {
      clearTimeout(field.timer);
      field.timer = setTimeout(write, typingPause);
      this.typing.set(field, write);
    });
    for (const event of ["change", "focusout"]) el.addEventListener(event, () => { if (this.typing.has(field) || event === "change") write(); });
  }

  /** Writes what is being typed now. */
  flush(): void { for (const write of [...this.typing.values()]) write(); }
}
