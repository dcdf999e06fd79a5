// URL and URLSearchParams over the host's parsers.

import { host, parse, stringify } from "../host/host";
import { hide, type Pair, Pairs, pairsOf, type PairsInit } from "./pairs";

const settable = ["protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"] as const;
type Parts = Record<typeof settable[number] | "href" | "origin", string>;

export interface URL extends Record<typeof settable[number], string> {}

export class URL {
  readonly searchParams: URLSearchParams;
  private parts: Parts;

  constructor(input: unknown, base?: unknown) {
    const text = parseURL(input, base);
    if (text === "") throw new TypeError(`Invalid URL: ${input}`);
    this.parts = parse(text);
    this.searchParams = new URLSearchParams(this.parts.search, (search) => this.set("search", search));
    hide(this, "parts", "searchParams");
  }

  static parse(url: unknown, base?: unknown): URL | null { return URL.canParse(url, base) ? new URL(url, base) : null; }
  static canParse(input: unknown, base?: unknown): boolean { return parseURL(input, base) !== ""; }
  get href(): string { return this.parts.href; }
  get origin(): string { return this.parts.origin; }
  toString(): string { return this.parts.href; }
  toJSON(): string { return this.parts.href; }

  set href(href: string) {
    this.parts = new URL(href).parts;
    this.searchParams.reread(this.parts.search);
  }

  part(part: keyof Parts): string { return this.parts[part]; }

  /** Sets one part; a value that is not valid for it changes nothing, as in browsers. */
  set(part: string, value: string): void {
    const text = host.urlset(this.parts.href, part, value);
    if (text !== "") this.parts = parse(text);
  }
}

function parseURL(input: unknown, base: unknown): string {
  return host.url(String(input), base === undefined ? undefined : String(base));
}

for (const part of settable) {
  Object.defineProperty(URL.prototype, part, {
    configurable: true,
    enumerable: true,
    get(this: URL) { return this.part(part); },
    set(this: URL, value: unknown) {
      this.set(part, String(value));
      if (part === "search") this.searchParams.reread(this.part("search"));
    },
  });
}

export class URLSearchParams extends Pairs {
  private pairs: Pair[] = [];

  constructor(init: string | PairsInit = "", private readonly changed?: (search: string) => void) {
    super();
    hide(this, "pairs", "changed");
    if (typeof init === "string") this.reread(init);
    else for (const [name, value] of pairsOf(init)) this.pairs.push([String(name), String(value)]);
  }

  reread(search: string): void { this.pairs = search === "" ? [] : parse(host.query(search)); }
  get size(): number { return this.pairs.length; }
  get(name: string): string | null { return this.pairs.find((pair) => pair[0] === name)?.[1] ?? null; }
  getAll(name: string): string[] { return this.pairs.filter((pair) => pair[0] === name).map((pair) => pair[1]); }
  append(name: string, value: unknown): void { this.replace([...this.pairs, [String(name), String(value)]]); }

  has(name: string, value?: unknown): boolean {
    return this.pairs.some((pair) => pair[0] === name && (value === undefined || pair[1] === String(value)));
  }

  delete(name: string, value?: unknown): void {
    this.replace(this.pairs.filter((pair) => pair[0] !== name || value !== undefined && pair[1] !== String(value)));
  }

  set(name: string, value: unknown): void {
    const first = this.pairs.find((pair) => pair[0] === name);
    if (first === undefined) return this.append(name, value);
    first[1] = String(value);
    this.replace(this.pairs.filter((pair) => pair === first || pair[0] !== name));
  }

  entries(): IterableIterator<Pair> { return this.pairs.map(([name, value]): Pair => [name, value])[Symbol.iterator](); }
  override toString(): string { return host.querytext(stringify(this.pairs)); }

  private replace(pairs: Pair[]): void {
    this.pairs = pairs;
    this.changed?.(this.toString());
  }
}
