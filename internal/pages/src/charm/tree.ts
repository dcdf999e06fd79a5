// The elements of a page, made and changed as the service says. Elements that stay are the same objects: so focus,
// selection, scrolling and what is typed are kept.

import type { Acts, Answered } from "./acts";
import { CharmElement } from "./elements/element";
import { eventValue } from "./event";
import { Fields, isField } from "./fields";
import type { NodeJSON, Op, Value, Values } from "./protocol";

interface Known {
  id: string;
  attrs: Values;
  events: Map<string, (e: Event) => void>;
  bound: Set<string>;
}

export class Tree {
  private readonly nodes = new Map<string, ChildNode>();
  private readonly known = new WeakMap<Node, Known>();
  private readonly fields: Fields;

  /** `failed` is told of acts that came to nothing. */
  constructor(private readonly root: Element, private readonly acts: Acts, private readonly failed: Answered) {
    this.fields = new Fields(acts);
  }

  /** Makes the page the tree; what is there already stays. */
  show(tree: NodeJSON): void {
    keepingFocus(() => {
      this.nodes.set(tree.i, this.root);
      this.update(this.root, tree);
    });
  }

  apply(ops: Op[]): void { keepingFocus(() => ops.forEach((op) => this.change(op))); }

  private change(op: Op): void {
    const node = this.nodes.get(op[1]);
    if (node === undefined) return;
    switch (op[0]) {
      case "t":
        (node as Text).data = op[2];
        break;
      case "a":
        this.setAttrs(node as Element, op[2]);
        break;
      case "o":
        this.setEvents(node as Element, op[2]);
        break;
      case "b":
        this.setBound(node as Element, op[2]);
        break;
      case "k": {
        const kids = [...node.childNodes];
        const fresh = op[4].map((item) => typeof item === "string" ? this.nodes.get(item)! : this.build(item));
        kids.splice(op[2], op[3], ...fresh);
        this.setKids(node, kids);
      }
    }
  }

  private build(json: NodeJSON): ChildNode {
    if (json.e === undefined) {
      const text = document.createTextNode(json.t ?? "");
      this.note(text, json.i);
      return text;
    }
    const el = document.createElement(json.e);
    this.note(el, json.i);
    this.update(el, json);
    return el;
  }

  private note(node: ChildNode, id: string): Known {
    const known = { id, attrs: {}, events: new Map(), bound: new Set<string>() };
    this.nodes.set(id, node);
    this.known.set(node, known);
    return known;
  }

  private of(node: ChildNode, id = ""): Known { return this.known.get(node) ?? this.note(node, id); }

  private update(el: Element, json: NodeJSON): void {
    const { attrs } = this.of(el, json.i);
    const next = { ...json.a };
    for (const name of Object.keys(attrs)) if (!(name in next)) next[name] = null;
    const kids = (json.k ?? []).map((kid) => {
      const old = this.nodes.get(kid.i);
      if (old === undefined) return this.build(kid);
      if (kid.e !== undefined) this.update(old as Element, kid);
      else if ((old as Text).data !== kid.t) (old as Text).data = kid.t ?? "";
      return old;
    });
    this.setKids(el, kids); // first: the value of a select is one of its options
    this.setAttrs(el, next);
    this.setEvents(el, json.o ?? []);
    this.setBound(el, json.b ?? {});
  }

  private setKids(parent: Node, kids: ChildNode[]): void {
    const stay = new Set(kids);
    for (const kid of [...parent.childNodes]) {
      if (stay.has(kid)) continue;
      this.forget(kid);
      kid.remove();
    }
    let at = parent.firstChild;
    for (const kid of kids) {
      if (kid === at) at = at.nextSibling;
      else parent.insertBefore(kid, at);
    }
  }

  private forget(node: Node): void {
    const known = this.known.get(node);
    if (known !== undefined && this.nodes.get(known.id) === node) this.nodes.delete(known.id);
    node.childNodes.forEach((kid) => this.forget(kid));
  }

  private setAttrs(el: Element, attrs: Values): void {
    const known = this.of(el).attrs;
    for (const [name, value] of Object.entries(attrs)) {
      if (value === null) delete known[name];
      else if (JSON.stringify(known[name]) === JSON.stringify(value)) continue;
      else known[name] = value;
      this.setAttr(el, name, value);
    }
  }

  private setAttr(el: Element, name: string, value: Value): void {
    const typed = name === "value" || name === "checked";
    if (typed && (isField(el) || el instanceof CharmElement)) return this.fields.apply(el, name, value);
    if (el instanceof CharmElement && el.takes(name)) return el.set(name, value);
    if (name === "style") (el as HTMLElement).style.cssText = String(value ?? "");
    else if (value === null || value === false) el.removeAttribute(name);
    else el.setAttribute(name, value === true ? (name.startsWith("aria-") ? "true" : "") : String(value));
    if (name === "href" && el instanceof HTMLAnchorElement) leaveSafely(el);
  }

  private setEvents(el: Element, names: string[]): void {
    const { events } = this.of(el);
    for (const [name, listener] of events) {
      if (names.includes(name)) continue;
      el.removeEventListener(name, listener);
      events.delete(name);
    }
    for (const name of names) {
      if (events.has(name)) continue;
      const listener = (e: Event): void => {
        if (name === "submit" || name === "click" && el instanceof HTMLAnchorElement) e.preventDefault();
        this.acts.event(this.of(el).id, name, eventValue(e, el), this.pending(el));
      };
      events.set(name, listener);
      el.addEventListener(name, listener);
    }
  }

  private setBound(el: Element, values: Values): void {
    const { bound } = this.of(el);
    for (const [name, value] of Object.entries(values)) {
      if (name === "value" || name === "checked") {
        this.fields.apply(el, name, value);
        if (!bound.has(name)) this.fields.bind(el, () => this.of(el).id, name, this.failed);
      } else if (el instanceof CharmElement) el.set(name, value);
      bound.add(name);
    }
  }

  /** Shows on the element that what was done is on its way. */
  private pending(el: Element): Answered {
    const timer = setTimeout(() => el.setAttribute("aria-busy", "true"), 200);
    return (error, at) => {
      clearTimeout(timer);
      el.removeAttribute("aria-busy");
      this.failed(error, at);
    };
  }
}

/** A link out of this site opens apart, and tells nobody where it was. */
function leaveSafely(a: HTMLAnchorElement): void {
  const out = a.origin !== location.origin;
  a.target = out ? "_blank" : "";
  a.rel = out ? "noopener noreferrer" : "";
}

/** An element that was moved has lost its focus. */
function keepingFocus(change: () => void): void {
  const before = document.activeElement;
  const field = before instanceof HTMLInputElement || before instanceof HTMLTextAreaElement ? before : undefined;
  const [start, end] = [field?.selectionStart ?? null, field?.selectionEnd ?? null];
  change();
  if (before === document.activeElement || !(before instanceof HTMLElement) || !before.isConnected) return;
  before.focus();
  if (start !== null) field!.setSelectionRange(start, end);
}
