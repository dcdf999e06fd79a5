// The functions that Go gives to this code, and the intrinsics it relies on. Both are taken before any recipe code
// runs: a recipe that replaces JSON.stringify or finds the host functions must not change what is stored.

export interface Host {
  doc(id: string): string;
  put(id: string, text: string): void;
  refer(json: string, form: "link" | "string"): string;
  log(level: string, text: string): void;
  fetch(op: number, head: string, body?: Uint8Array): void;
  timer(op: number, ms: number, repeat: 0 | 1): void;
  cancel(op: number): void;
  now(): number; entropy(n: number): Uint8Array; uuid(): string; env(): string;
  url(input: string, base?: string): string; urlset(href: string, part: string, value: string): string;
  query(search: string): string; querytext(pairs: string): string; events(stream: string): string;
  utf8(bytes: Uint8Array, label: string, fatal: 0 | 1): string; encode(text: string): Uint8Array;
  atob(text: string): string; btoa(text: string): string; unbase64(text: string): Uint8Array;
  xml(text: string, mime: string): string; selector(text: string): string; markdown(html: string, options: string): string;
  text(bytes: Uint8Array, contentType: string): string; multipart(bytes: Uint8Array, contentType: string): string;
  header(text: string): string; calendar(text: string, options: string): string;
  digest(algorithm: string, bytes: Uint8Array): Uint8Array;
}

const scope = globalThis as unknown as { __host?: Host };
export const host: Host = scope.__host!;
delete scope.__host;

export const { parse, stringify } = JSON;
export const { isArray } = Array;
export const { keys, is } = Object;
export const NativeDate = Date;
const { deleteProperty } = Reflect;
const everything = Object.prototype;
const lists = Array.prototype;

/** The text of what is stored or reported. stringify asks each object for its toJSON, which a recipe may give to all. */
export function writeOut(value: unknown): string {
  if (!deleteProperty(everything, "toJSON") || !deleteProperty(lists, "toJSON")) throw new TypeError("the recipe gave every object a toJSON that stays");
  return stringify(value);
}

export type Key = string | number;
export type Fields = Record<string, unknown>;

export function isObject(value: unknown): value is Fields { return typeof value === "object" && value !== null; }

/** The field of an object, but not what every object has from its prototype. */
export function own(value: Fields, key: string): unknown { return Object.hasOwn(value, key) ? value[key] : undefined; }

/** A copy with every field replaced; fields that become undefined are left out. */
export function mapObject(value: Fields, change: (field: unknown) => unknown): Fields {
  const out: Fields = {};
  for (const key of keys(value)) {
    const field = change(value[key]);
    if (field !== undefined) out[key] = field;
  }
  return out;
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return isObject(value) && typeof value.then === "function";
}
