// DOMParser over the host's tree of a document: as much of the DOM as it takes to read feeds and pages. Read-only.

import { host, isArray, isObject, parse } from "../host/host";
import { matchesAny, parseSelector } from "./selector";

type TreeElement = [name: string, attributes: [name: string, value: string][], children: Tree[]];
type Tree = TreeElement | string | { c: string };

export abstract class Node {
  static readonly ELEMENT_NODE = 1;
  static readonly TEXT_NODE = 3;
  static readonly COMMENT_NODE = 8;
  static readonly DOCUMENT_NODE = 9;
  abstract readonly nodeType: number;
  abstract readonly nodeName: string;
  childNodes: Node[] = [];

  constructor(readonly parentNode: ParentNode | null) {}

  get parentElement(): Element | null { return this.parentNode instanceof Element ? this.parentNode : null; }
  get textContent(): string { return this.childNodes.map((node) => node.nodeType === 8 ? "" : node.textContent).join(""); }
  get firstChild(): Node | null { return this.childNodes[0] ?? null; }
  get lastChild(): Node | null { return this.childNodes.at(-1) ?? null; }
  get nextSibling(): Node | null { return sibling(this, this.parentNode?.childNodes, 1); }
  get previousSibling(): Node | null { return sibling(this, this.parentNode?.childNodes, -1); }
}

function sibling<N extends Node>(node: N, around: N[] | undefined, step: number): N | null {
  return around?.[around.indexOf(node) + step] ?? null;
}

export class Text extends Node {
  readonly nodeType: number = Node.TEXT_NODE;
  readonly nodeName: string = "#text";

  constructor(parent: ParentNode, readonly data: string) { super(parent); }
  override get textContent(): string { return this.data; }
}

export class Comment extends Text {
  override readonly nodeType = Node.COMMENT_NODE;
  override readonly nodeName = "#comment";
}

abstract class ParentNode extends Node {
  get children(): Element[] { return this.childNodes.filter((node): node is Element => node instanceof Element); }
  get firstElementChild(): Element | null { return this.children[0] ?? null; }
  get lastElementChild(): Element | null { return this.children.at(-1) ?? null; }

  getElementsByTagName(name: string): Element[] {
    return this.collect((element) => name === "*" || element.named(name));
  }

  getElementsByTagNameNS(_namespace: string | null, local: string): Element[] {
    return this.collect((element) => local === "*" || element.localName === local);
  }

  getElementsByClassName(names: string): Element[] { return this.querySelectorAll(names.replace(/\s*(\S+)/g, ".$1")); }

  querySelectorAll(text: string): Element[] {
    const selectors = parseSelector(text);
    return this.collect((element) => matchesAny(selectors, element));
  }

  querySelector(text: string): Element | null {
    const selectors = parseSelector(text);
    return this.collect((element) => matchesAny(selectors, element), 1)[0] ?? null;
  }

  /** The elements below this one for which `wanted` holds, in document order. */
  collect(wanted: (element: Element) => boolean, most = Infinity, into: Element[] = []): Element[] {
    for (const child of this.childNodes) {
      if (into.length >= most) break;
      if (!(child instanceof Element)) continue;
      if (wanted(child)) into.push(child);
      if (into.length < most) child.collect(wanted, most, into);
    }
    return into;
  }
}

export class Element extends ParentNode {
  readonly nodeType = Node.ELEMENT_NODE;
  readonly nodeName: string;
  readonly localName: string;
  readonly prefix: string | null;
  private readonly values: Map<string, string>;

  constructor(parent: ParentNode, [name, attributes, children]: TreeElement, private readonly html: boolean) {
    super(parent);
    const colon = name.indexOf(":");
    this.nodeName = html ? name.toUpperCase() : name;
    this.localName = name.slice(colon + 1);
    this.prefix = colon < 0 ? null : name.slice(0, colon);
    this.values = new Map(attributes);
    this.childNodes = children.map((tree) => nodeOf(this, tree, html));
  }

  get tagName(): string { return this.nodeName; }
  get id(): string { return this.values.get("id") ?? ""; }
  get className(): string { return this.values.get("class") ?? ""; }
  get attributes(): { name: string; value: string }[] { return [...this.values].map(([name, value]) => ({ name, value })); }
  get innerHTML(): string { return this.childNodes.map(serialize).join(""); }
  get outerHTML(): string { return serialize(this); }
  get nextElementSibling(): Element | null { return sibling<Element>(this, this.parentNode?.children, 1); }
  get previousElementSibling(): Element | null { return sibling<Element>(this, this.parentNode?.children, -1); }

  get classList(): { contains(name: string): boolean } {
    const names = this.className.split(/\s+/);
    return { contains: (name) => names.includes(name) };
  }

  /** Whether this is the qualified name of the element. */
  named(name: string): boolean { return this.nodeName === (this.html ? name.toUpperCase() : name); }
  getAttribute(name: string): string | null { return this.values.get(this.html ? name.toLowerCase() : name) ?? null; }
  hasAttribute(name: string): boolean { return this.getAttribute(name) !== null; }
  matches(text: string): boolean { return matchesAny(parseSelector(text), this); }

  closest(text: string): Element | null {
    for (let at: Element | null = this; at !== null; at = at.parentElement) if (at.matches(text)) return at;
    return null;
  }
}

export class Document extends ParentNode {
  readonly nodeType = Node.DOCUMENT_NODE;
  readonly nodeName = "#document";

  constructor(root: TreeElement, readonly contentType: string) {
    super(null);
    this.childNodes = [nodeOf(this, root, contentType === "text/html")];
  }

  get documentElement(): Element | null { return this.firstElementChild; }
  get head(): Element | null { return this.querySelector("head"); }
  get body(): Element | null { return this.querySelector("body"); }
  get title(): string { return this.querySelector("title")?.textContent.trim() ?? ""; }
  getElementById(id: string): Element | null { return this.collect((element) => element.id === id, 1)[0] ?? null; }
}

export class DOMParser {
  parseFromString(text: string, mime: string): Document {
    const tree = parse(host.xml(String(text), mime)) as { root?: TreeElement; error?: string };
    return new Document(tree.root ?? ["parsererror", [], [tree.error ?? "The document is empty"]], mime);
  }
}

function nodeOf(parent: ParentNode, tree: Tree, html: boolean): Node {
  if (isArray(tree)) return new Element(parent, tree, html);
  return isObject(tree) ? new Comment(parent, (tree as { c: string }).c) : new Text(parent, tree);
}

function serialize(node: Node): string {
  if (node instanceof Comment) return `<!--${node.data}-->`;
  if (node instanceof Text) return node.data.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  if (!(node instanceof Element)) return "";
  const quoted = (value: string) => value.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  const attributes = node.attributes.map(({ name, value }) => ` ${name}="${quoted(value)}"`).join("");
  const name = node.prefix === null ? node.localName : `${node.prefix}:${node.localName}`;
  return `<${name}${attributes}>${node.innerHTML}</${name}>`;
}
