// What our elements have in common: properties that the service sets, a shadow tree, one sheet of styles.

import type { Value } from "../protocol";

const css = `
:host { display: inline-block; max-width: 100%; }
:host([hidden]) { display: none; }
* { box-sizing: border-box; font: inherit; color: inherit; }
label { display: grid; gap: 0.25rem; }
.row { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; }
.grow { flex: 1 1 10rem; min-width: 0; }
input:not([type="checkbox"]) {
  width: 100%; min-height: 2.5rem; padding: 0.4rem 0.6rem; background: var(--charm-field, #fff);
  border: 1px solid var(--charm-border, #767680); border-radius: 7px;
}
input[type="checkbox"] { width: 1.25rem; height: 1.25rem; margin: 0.5rem; accent-color: var(--charm-accent, #1a56c4); }
button {
  min-height: 2.5rem; padding: 0.4rem 0.9rem; border: 1px solid transparent; border-radius: 7px; cursor: pointer; font-weight: 550;
  background: var(--charm-accent, #1a56c4); color: var(--charm-on-accent, #fff);
}
button.quiet { background: transparent; border-color: var(--charm-border, #767680); color: inherit; }
button:disabled { opacity: 0.6; cursor: default; }
input:focus-visible, button:focus-visible, [tabindex]:focus-visible { outline: 3px solid var(--charm-focus, #5b8def); outline-offset: 2px; }
:host([aria-busy="true"]) button { opacity: 0.7; }
::placeholder { color: inherit; opacity: 0.7; }
.moves { padding: 0.4rem 0.6rem; border: 1px dashed var(--charm-border, #767680); border-radius: 6px; cursor: move; touch-action: none; }
.note { font-size: 0.9em; }
.error { color: var(--charm-error, #b3261e); }
.done { text-decoration: line-through; }
.wide { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 0.4rem 0.6rem; border-bottom: 1px solid var(--charm-line, #d5d5dc); vertical-align: top; }
th { font-weight: 600; }
caption { text-align: left; padding-bottom: 0.4rem; }
`;

let sheet: CSSStyleSheet | undefined;

function styles(): CSSStyleSheet {
  if (sheet === undefined) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
  }
  return sheet;
}

/** An element of ours: its properties come from the service, by set(), and are drawn by draw(). */
export abstract class CharmElement extends HTMLElement {
  /** What the service sets, with what holds until it does. */
  protected abstract readonly props: Record<string, Value>;
  protected readonly shadow: ShadowRoot;

  constructor(delegatesFocus = true) {
    super();
    this.shadow = this.attachShadow({ mode: "open", delegatesFocus });
    this.shadow.adoptedStyleSheets = [styles()];
  }

  connectedCallback(): void { this.draw(); }

  takes(name: string): boolean { return name in this.props; }
  get(name: string): Value { return this.props[name] ?? null; }

  set(name: string, value: Value): void {
    this.props[name] = value;
    if (this.isConnected) this.draw();
  }

  protected text(name: string): string {
    const value = this.props[name];
    return value === null || value === undefined ? "" : String(value);
  }

  /** Tells whoever listens on the page. */
  protected tell(type: string, detail: Value): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }

  protected get ownID(): string { return this.id.replace(/^charm-/, ""); }

  protected abstract draw(): void;
}

/** Makes an element with properties and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  name: K, props: Partial<HTMLElementTagNameMap[K]> = {}, ...kids: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const el = Object.assign(document.createElement(name), props);
  el.append(...kids);
  return el;
}
