// fetch, Headers, Request and Response. The request itself is made by the host, which is the only way out; a body is
// whole when it arrives.

import { host, parse, stringify } from "../host/host";
import { environment } from "../host/outside";
import { AbortSignal } from "./abort";
import { begin, forget } from "./operation";
import { hide, type Pair, Pairs, pairsOf, type PairsInit } from "./pairs";
import { bytesOf, type Bytes } from "./text";
import { URL, URLSearchParams } from "./url";

export class Headers extends Pairs {
  private readonly fields = new Map<string, string>();

  constructor(init: PairsInit | null = null) {
    super();
    hide(this, "fields");
    for (const [name, value] of pairsOf(init ?? [])) this.append(name, value);
  }

  append(name: unknown, value: unknown): void {
    const known = this.get(name);
    this.set(name, known === null ? value : `${known}, ${value}`);
  }

  set(name: unknown, value: unknown): void {
    const text = String(value).trim();
    if (/[\0\r\n]/.test(text)) throw new TypeError("Invalid header value: it contains a line break");
    this.fields.set(fieldName(name), text);
  }

  get(name: unknown): string | null { return this.fields.get(fieldName(name)) ?? null; }
  has(name: unknown): boolean { return this.fields.has(fieldName(name)); }
  delete(name: unknown): void { this.fields.delete(fieldName(name)); }
  getSetCookie(): string[] { return this.fields.get("set-cookie")?.split(/, (?=[^;,\s]+=)/) ?? []; }
  entries(): IterableIterator<Pair> { return [...this.fields].sort(([a], [b]) => a < b ? -1 : 1)[Symbol.iterator](); }
}

function fieldName(name: unknown): string {
  const text = String(name);
  if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(text)) throw new TypeError(`Invalid header name: ${stringify(text)}`);
  return text.toLowerCase();
}

type BodyInit = string | URLSearchParams | Bytes | null;

/** What Request and Response share: a body that can be read once. */
abstract class Body {
  bodyUsed = false;

  constructor(protected readonly content: Uint8Array | undefined, readonly headers: Headers) { hide(this, "content"); }
  async text(): Promise<string> { return host.utf8(this.take(), "utf-8", 0); }
  async json(): Promise<any> { return parse(await this.text()); }
  async bytes(): Promise<Uint8Array> { return this.take().slice(); }
  async arrayBuffer(): Promise<ArrayBuffer> { return this.take().slice().buffer as ArrayBuffer; }

  protected unread(): Uint8Array | undefined {
    if (this.bodyUsed) throw new TypeError("The body has been read already");
    return this.content;
  }

  protected take(): Uint8Array {
    const content = this.unread();
    this.bodyUsed = content !== undefined;
    return content ?? new Uint8Array(0);
  }
}

function bodyBytes(body: unknown, headers: Headers): Uint8Array | undefined {
  if (body === undefined || body === null) return undefined;
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return bytesOf(body).slice();
  if (!headers.has("content-type")) {
    const form = body instanceof URLSearchParams;
    headers.set("content-type", form ? "application/x-www-form-urlencoded;charset=UTF-8" : "text/plain;charset=UTF-8");
  }
  return host.encode(String(body));
}

export interface RequestInit {
  method?: string; headers?: PairsInit; body?: BodyInit; redirect?: string; signal?: AbortSignal | null;
  /** The account, by its provider's name, whose credentials the host adds: "google". */
  connection?: string;
}

export class Request extends Body {
  readonly url: string;
  readonly method: string;
  readonly redirect: string;
  readonly signal: AbortSignal;
  readonly connection?: string;

  constructor(input: unknown, init: RequestInit = {}) {
    const from = input instanceof Request ? input : undefined;
    const headers = new Headers(init.headers ?? from?.headers);
    super(bodyBytes(init.body, headers) ?? from?.unread(), headers);
    this.url = from?.url ?? absolute(String(input));
    const method = String(init.method ?? from?.method ?? "GET");
    this.method = /^(get|head|post|put|delete|options|patch)$/i.test(method) ? method.toUpperCase() : method;
    if (this.content !== undefined && (this.method === "GET" || this.method === "HEAD")) {
      throw new TypeError("Request with GET/HEAD method cannot have body");
    }
    this.redirect = init.redirect ?? from?.redirect ?? "follow";
    this.signal = init.signal ?? from?.signal ?? new AbortSignal();
    const connection = init.connection ?? from?.connection;
    if (connection !== undefined) this.connection = String(connection);
  }

  clone(): Request { return new Request(this); }

  start(ended: (head: string, body: Uint8Array) => void): number {
    const { method, url, redirect, connection } = this;
    const op = begin(ended);
    const body = this.content && this.take();
    host.fetch(op, stringify({ method, url, headers: [...this.headers], redirect, connection }), body);
    return op;
  }
}

// A relative URL means the toolshed, as it does in its own pages.
function absolute(input: string): string {
  return (URL.parse(input) ?? new URL(input, environment().apiUrl)).href;
}

type ResponseHead = { status?: number; statusText?: string; url?: string; headers?: PairsInit; redirected?: boolean };

export class Response extends Body {
  readonly status: number;
  readonly statusText: string;
  readonly url: string;
  readonly redirected: boolean;

  constructor(body?: BodyInit, init: ResponseHead = {}) {
    const headers = new Headers(init.headers);
    super(bodyBytes(body, headers), headers);
    this.status = init.status ?? 200;
    this.statusText = init.statusText ?? "";
    this.url = init.url ?? "";
    this.redirected = init.redirected ?? false;
  }

  static json(value: unknown, init: ResponseHead = {}): Response {
    const headers = new Headers(init.headers);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return new Response(stringify(value), { ...init, headers });
  }

  get ok(): boolean { return this.status >= 200 && this.status < 300; }
  clone(): Response { return new Response(this.unread() as Bytes | undefined, this); }
}

export function fetch(input: unknown, init?: RequestInit): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = new Request(input, init);
    const { signal } = request;
    signal.throwIfAborted();
    const failed = new TypeError(); // made here, so that its stack leads to the recipe's call
    const onAbort = (): void => {
      if (forget(op)) host.cancel(op);
      reject(signal.reason);
    };
    const op = request.start((head, body) => {
      forget(op);
      signal.removeEventListener("abort", onAbort);
      const reply = parse(head) as ResponseHead & { error?: string; code?: string };
      if (reply.error === undefined) resolve(new Response(body as Bytes, reply));
      else reject(Object.assign(failed, { message: reply.error }, reply.code === undefined ? {} : { code: reply.code }));
    });
    signal.addEventListener("abort", onAbort);
  });
}
