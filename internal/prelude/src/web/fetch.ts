// fetch, Headers, Request and Response. The request itself is made by the host, which is the only way out; a body is
// whole when it arrives.

import { host, parse, stringify } from "../host";
import { apiURL } from "../environment";
import { AbortSignal, DOMException } from "./abort";
import { begin, forget } from "./operation";
import { bytesOf, type Bytes } from "./text";
import { URL, URLSearchParams } from "./url";

type HeadersInit = Headers | Record<string, unknown> | Iterable<readonly unknown[]>;

export class Headers {
  private readonly fields = new Map<string, string>();

  constructor(init?: HeadersInit) {
    Object.defineProperty(this, "fields", { enumerable: false });
    if (init === undefined || init === null) return;
    const pairs = Symbol.iterator in init ? init as Iterable<readonly unknown[]> : Object.entries(init);
    for (const [name, value] of pairs) this.append(name, value);
  }

  append(name: unknown, value: unknown): void {
    const known = this.fields.get(fieldName(name));
    this.fields.set(fieldName(name), known === undefined ? fieldValue(value) : `${known}, ${fieldValue(value)}`);
  }

  delete(name: unknown): void {
    this.fields.delete(fieldName(name));
  }

  get(name: unknown): string | null {
    return this.fields.get(fieldName(name)) ?? null;
  }

  getSetCookie(): string[] {
    return this.fields.get("set-cookie")?.split(/, (?=[^;,\s]+=)/) ?? [];
  }

  has(name: unknown): boolean {
    return this.fields.has(fieldName(name));
  }

  set(name: unknown, value: unknown): void {
    this.fields.set(fieldName(name), fieldValue(value));
  }

  forEach(callback: (value: string, name: string, headers: this) => void): void {
    for (const [name, value] of this) callback(value, name, this);
  }

  entries(): IterableIterator<[string, string]> {
    return [...this.fields].sort(([a], [b]) => a < b ? -1 : 1)[Symbol.iterator]();
  }

  keys(): IterableIterator<string> {
    return [...this].map(([name]) => name)[Symbol.iterator]();
  }

  values(): IterableIterator<string> {
    return [...this].map(([, value]) => value)[Symbol.iterator]();
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }
}

function fieldName(name: unknown): string {
  const text = String(name);
  if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(text)) throw new TypeError(`Invalid header name: ${stringify(text)}`);
  return text.toLowerCase();
}

function fieldValue(value: unknown): string {
  const text = String(value).trim();
  if (/[\0\r\n]/.test(text)) throw new TypeError("Invalid header value: it contains a line break");
  return text;
}

type BodyInit = string | URLSearchParams | Bytes | null;

/** What Request and Response share: a body that can be read once. */
abstract class Body {
  bodyUsed = false;
  abstract readonly headers: Headers;

  constructor(protected readonly content: Uint8Array | undefined) {
    Object.defineProperty(this, "content", { enumerable: false });
  }

  protected take(): Uint8Array {
    const content = this.unread();
    this.bodyUsed = content !== undefined;
    return content ?? new Uint8Array(0);
  }

  protected unread(): Uint8Array | undefined {
    if (this.bodyUsed) throw new TypeError("The body has been read already");
    return this.content;
  }

  async text(): Promise<string> {
    return host.utf8(this.take(), "utf-8", 0);
  }

  async json(): Promise<unknown> {
    return parse(await this.text());
  }

  async bytes(): Promise<Uint8Array> {
    return this.take().slice();
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.take().slice().buffer;
  }
}

function bodyBytes(body: unknown, headers: Headers): Uint8Array | undefined {
  if (body === undefined || body === null) return undefined;
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return bytesOf(body).slice();
  const form = body instanceof URLSearchParams;
  if (!headers.has("content-type")) {
    headers.set("content-type", form ? "application/x-www-form-urlencoded;charset=UTF-8" : "text/plain;charset=UTF-8");
  }
  return host.encode(String(body));
}

export interface RequestInit {
  method?: string;
  headers?: HeadersInit;
  body?: BodyInit;
  redirect?: "follow" | "manual" | "error";
  signal?: AbortSignal | null;
}

export class Request extends Body {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly redirect: string;
  readonly signal: AbortSignal;

  constructor(input: string | URL | Request, init: RequestInit = {}) {
    const from = input instanceof Request ? input : undefined;
    const headers = new Headers(init.headers ?? from?.headers);
    const method = String(init.method ?? from?.method ?? "GET");
    const body = init.body ?? null;
    super(body === null ? from?.unread() : bodyBytes(body, headers));
    this.url = from?.url ?? absolute(String(input));
    this.method = /^(get|head|post|put|delete|options|patch)$/i.test(method) ? method.toUpperCase() : method;
    if (this.content !== undefined && (this.method === "GET" || this.method === "HEAD")) {
      throw new TypeError("Request with GET/HEAD method cannot have body");
    }
    this.headers = headers;
    this.redirect = init.redirect ?? from?.redirect ?? "follow";
    this.signal = init.signal ?? from?.signal ?? new AbortSignal();
  }

  clone(): Request {
    return new Request(this);
  }

  start(ended: (head: string, body: Uint8Array) => void): number {
    const { method, url, redirect } = this;
    const op = begin(ended);
    const body = this.content === undefined ? undefined : this.take();
    host.fetch(op, stringify({ method, url, headers: [...this.headers], redirect }), body);
    return op;
  }
}

// A relative URL means the toolshed, as it does in its own pages.
function absolute(input: string): string {
  const text = host.url(input) || host.url(input, apiURL());
  if (text === "") throw new TypeError(`Invalid URL: ${input}`);
  return (parse(text) as { href: string }).href;
}

interface ResponseHead {
  status: number;
  statusText?: string;
  url?: string;
  headers?: HeadersInit;
  redirected?: boolean;
}

export class Response extends Body {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  readonly url: string;
  readonly redirected: boolean;
  readonly type = "default";

  constructor(body?: BodyInit, init: Partial<ResponseHead> = {}) {
    const headers = new Headers(init.headers);
    super(bodyBytes(body, headers));
    this.headers = headers;
    this.status = init.status ?? 200;
    this.statusText = init.statusText ?? "";
    this.url = init.url ?? "";
    this.redirected = init.redirected ?? false;
  }

  static json(value: unknown, init: Partial<ResponseHead> = {}): Response {
    const headers = new Headers(init.headers);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return new Response(stringify(value), { ...init, headers });
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  clone(): Response {
    return new Response(this.unread(), this);
  }
}

export function fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = new Request(input, init);
    const { signal } = request;
    signal.throwIfAborted();
    const onAbort = (): void => {
      if (forget(op)) host.cancel(op);
      reject(signal.reason ?? new DOMException("The operation was aborted.", "AbortError"));
    };
    const op = request.start((head, body) => {
      forget(op);
      signal.removeEventListener("abort", onAbort);
      const reply = parse(head) as ResponseHead & { error?: string; code?: string };
      if (reply.error === undefined) resolve(new Response(body, reply));
      else reject(Object.assign(new TypeError(reply.error), reply.code === undefined ? {} : { code: reply.code }));
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
