// URL over the host's parser, and URLSearchParams.

import { host, parse } from "../host";

interface Parts {
  href: string;
  protocol: string;
  username: string;
  password: string;
  host: string;
  hostname: string;
  port: string;
  pathname: string;
  search: string;
  hash: string;
  origin: string;
}

const settable = ["protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"] as const;

export interface URL extends Parts {}

export class URL {
  private parts: Parts;
  readonly searchParams: URLSearchParams;

  constructor(input: unknown, base?: unknown) {
    const text = host.url(String(input), base === undefined ? undefined : String(base));
    if (text === "") throw new TypeError(`Invalid URL: ${input}`);
    this.parts = parse(text);
    this.searchParams = new URLSearchParams(this.parts.search, (search) => this.change("search", search));
    // The parts and the parameters are bookkeeping: a URL has no fields of its own.
    Object.defineProperty(this, "parts", { enumerable: false, writable: true });
    Object.defineProperty(this, "searchParams", { enumerable: false, writable: false });
  }

  static canParse(input: unknown, base?: unknown): boolean {
    return host.url(String(input), base === undefined ? undefined : String(base)) !== "";
  }

  static parse(input: unknown, base?: unknown): URL | null {
    return URL.canParse(input, base) ? new URL(input, base) : null;
  }

  get href(): string {
    return this.parts.href;
  }

  set href(href: string) {
    const { parts } = new URL(href);
    this.parts = parts;
    this.searchParams.reread(parts.search);
  }

  get origin(): string {
    return this.parts.origin;
  }

  toString(): string {
    return this.parts.href;
  }

  toJSON(): string {
    return this.parts.href;
  }

  part(part: keyof Parts): string {
    return this.parts[part];
  }

  /** Sets one part; a value that is not valid for it changes nothing, as in browsers. */
  change(part: string, value: string): void {
    const text = host.urlset(this.parts.href, part, value);
    if (text !== "") this.parts = parse(text);
  }
}

for (const part of settable) {
  Object.defineProperty(URL.prototype, part, {
    configurable: true,
    enumerable: true,
    get(this: URL) {
      return this.part(part);
    },
    set(this: URL, value: unknown) {
      this.change(part, String(value));
      if (part === "search") this.searchParams.reread(this.part("search"));
    },
  });
}

type Pair = [name: string, value: string];
type Init = string | Record<string, unknown> | Iterable<readonly unknown[]>;

export class URLSearchParams {
  private pairs: Pair[] = [];

  constructor(init: Init = "", private readonly changed?: (search: string) => void) {
    Object.defineProperty(this, "pairs", { enumerable: false, writable: true });
    Object.defineProperty(this, "changed", { enumerable: false });
    if (typeof init === "string") this.reread(init);
    else if (Symbol.iterator in init) {
      for (const [name, value] of init as Iterable<readonly unknown[]>) this.pairs.push([String(name), String(value)]);
    } else for (const [name, value] of Object.entries(init)) this.pairs.push([name, String(value)]);
  }

  reread(search: string): void {
    const text = search.startsWith("?") ? search.slice(1) : search;
    this.pairs = text.split("&").filter((pair) => pair !== "").map((pair) => {
      const at = pair.indexOf("=");
      return at < 0 ? [unescape(pair), ""] : [unescape(pair.slice(0, at)), unescape(pair.slice(at + 1))];
    });
  }

  get size(): number {
    return this.pairs.length;
  }

  append(name: string, value: unknown): void {
    this.pairs.push([String(name), String(value)]);
    this.notify();
  }

  delete(name: string, value?: unknown): void {
    this.pairs = this.pairs.filter((pair) => pair[0] !== name || value !== undefined && pair[1] !== String(value));
    this.notify();
  }

  get(name: string): string | null {
    return this.pairs.find((pair) => pair[0] === name)?.[1] ?? null;
  }

  getAll(name: string): string[] {
    return this.pairs.filter((pair) => pair[0] === name).map((pair) => pair[1]);
  }

  has(name: string, value?: unknown): boolean {
    return this.pairs.some((pair) => pair[0] === name && (value === undefined || pair[1] === String(value)));
  }

  set(name: string, value: unknown): void {
    const first = this.pairs.find((pair) => pair[0] === name);
    if (first === undefined) return this.append(name, value);
    first[1] = String(value);
    this.pairs = this.pairs.filter((pair) => pair === first || pair[0] !== name);
    this.notify();
  }

  sort(): void {
    this.pairs.sort((a, b) => a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0);
    this.notify();
  }

  forEach(callback: (value: string, name: string, params: this) => void): void {
    for (const [name, value] of this.pairs) callback(value, name, this);
  }

  entries(): IterableIterator<Pair> {
    return this.pairs.map(([name, value]): Pair => [name, value])[Symbol.iterator]();
  }

  keys(): IterableIterator<string> {
    return this.pairs.map((pair) => pair[0])[Symbol.iterator]();
  }

  values(): IterableIterator<string> {
    return this.pairs.map((pair) => pair[1])[Symbol.iterator]();
  }

  [Symbol.iterator](): IterableIterator<Pair> {
    return this.entries();
  }

  toString(): string {
    return this.pairs.map(([name, value]) => `${escape(name)}=${escape(value)}`).join("&");
  }

  private notify(): void {
    this.changed?.(this.toString());
  }
}

function escape(text: string): string {
  const escaped = encodeURIComponent(text.toWellFormed()).replaceAll("%20", "+");
  return escaped.replace(/[!'()~]/g, (char) => "%" + char.charCodeAt(0).toString(16).toUpperCase());
}

function unescape(text: string): string {
  const spaced = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    // Bytes that are no UTF-8 and signs that escape nothing: decoded one by one, as the form encoding wants it.
    const bytes: number[] = [];
    for (let i = 0; i < spaced.length; i++) {
      const hex = spaced[i] === "%" ? spaced.slice(i + 1, i + 3) : "";
      if (/^[0-9a-f]{2}$/i.test(hex)) {
        bytes.push(parseInt(hex, 16));
        i += 2;
      } else bytes.push(...host.encode(spaced[i]!));
    }
    return host.utf8(new Uint8Array(bytes), "utf-8", 0);
  }
}
