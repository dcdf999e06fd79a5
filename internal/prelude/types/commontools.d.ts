// What recipes may import, for editors. charmd provides the modules when a recipe runs; nothing needs to be installed.

declare module "@commontools/runner" {
  import { ID } from "@commontools/builder";
  /** A place in a stored document: what handlers and lifts get for members whose schema says asCell. */
  export interface Cell<T> {
    get(): T;
    set(value: T): void;
    send(value: T): void;
    /** Sets the given fields and leaves the others. */
    update(values: Partial<T>): void;
    /** Appends to a list. In a handler, plain objects become documents of their own. */
    push(...values: T extends (infer Item)[] ? (Item | Item & { readonly [ID]?: unknown })[] : unknown[]): void;
    key<K extends keyof T>(key: K): Cell<T[K]>;
    equals(other: Cell<unknown>): boolean;
    sink(callback: (value: T) => void): () => void;
    asSchema<U>(schema: unknown): Cell<U>;
    readonly entityId: { "/": string };
  }
  /** Events sent here reach the handlers of the stream. */
  export interface Stream<T> {
    send(event: T): void;
    sink(callback: (event: T) => void): () => void;
  }
  export const Classification: { readonly Unclassified: "unclassified"; readonly Confidential: "confidential"; readonly Secret: "secret"; readonly TopSecret: "topsecret" };
  export function isCell(value: unknown): value is Cell<unknown>;
  export function isStream(value: unknown): value is Stream<unknown>;
}

declare module "@commontools/builder" {
  import type { Cell, Stream } from "@commontools/runner";
  export type { Cell, Stream };

  export const ID: unique symbol;
  export const ID_FIELD: unique symbol;
  export const NAME: "$NAME";
  export const UI: "$UI";
  export const TYPE: "$TYPE";

  interface OpaqueMethods<T> {
    set(value: Opaque<T>): void;
    setDefault(value: Opaque<T>): void;
    /** The value, in a function that captured the cell: while a recipe is built there is none. */
    get(): T;
    map<U>(fn: (item: T extends (infer Item)[] ? OpaqueRef<Item> : any, index: OpaqueRef<number>, list: OpaqueRef<T>) => U): OpaqueRef<U[]>;
  }
  /** A value that will be known when the recipe runs. Its fields are such values too. */
  export type OpaqueRef<T> = OpaqueMethods<T> & (T extends (infer Item)[] ? OpaqueRef<Item>[] : T extends object ? { [K in keyof T]: OpaqueRef<T[K]> } : T);
  export type Opaque<T> = T | OpaqueRef<T> | (T extends object ? { [K in keyof T]: Opaque<T[K]> } : T);

  export interface JSONSchema {
    readonly type?: "object" | "array" | "string" | "number" | "integer" | "boolean" | "null";
    readonly properties?: Readonly<Record<string, JSONSchema>>;
    readonly additionalProperties?: boolean | JSONSchema;
    readonly items?: JSONSchema;
    readonly anyOf?: readonly JSONSchema[];
    readonly $ref?: "#";
    readonly default?: unknown;
    /** Hand the member out as a cell, or a stream, instead of its value. */
    readonly asCell?: boolean;
    readonly asStream?: boolean;
    readonly [annotation: string]: unknown;
  }

  /** The type of the values that a schema describes, as handlers and lifts get them. */
  export type Schema<S> = S extends { asCell: true } ? Cell<Plain<S>> : S extends { asStream: true } ? Stream<Plain<S>> : Plain<S>;
  type Plain<S> = S extends { anyOf: readonly (infer Option)[] } ? Schema<Option>
    : S extends { type: "object"; properties: infer P } ? { -readonly [K in keyof P]: Schema<P[K]> }
    : S extends { type: "array"; items: infer Item } ? Schema<Item>[]
    : S extends { type: "array" } ? any[]
    : S extends { type: "string" } ? string
    : S extends { type: "number" | "integer" } ? number
    : S extends { type: "boolean" } ? boolean
    : S extends { type: "null" } ? null
    : any;
  /** The same without cells: what a recipe is given refs of. */
  export type SchemaData<S> = S extends { anyOf: readonly (infer Option)[] } ? SchemaData<Option>
    : S extends { type: "object"; properties: infer P } ? { -readonly [K in keyof P]: SchemaData<P[K]> }
    : S extends { type: "array"; items: infer Item } ? SchemaData<Item>[]
    : Plain<Omit<S, "asCell" | "asStream">>;

  export type RecipeFactory<T, R> = ((inputs: Opaque<T>) => OpaqueRef<R>) & { readonly argumentSchema: JSONSchema; readonly resultSchema: JSONSchema };
  export type HandlerFactory<T, E> = (state: Opaque<{ [K in keyof T]: T[K] extends Cell<infer U> ? U : T[K] extends Stream<infer U> ? Stream<U> : T[K] }>) => OpaqueRef<Stream<E>>;

  export function recipe<A, R>(argument: import("zod").ZodType<A>, fn: (inputs: OpaqueRef<A>) => Opaque<R>): RecipeFactory<A, R>;
  export function recipe<A, R>(argument: import("zod").ZodType<A>, result: import("zod").ZodType<R>, fn: (inputs: OpaqueRef<A>) => unknown): RecipeFactory<A, R>;
  export function recipe<T = any, R = any>(description: string, fn: (inputs: OpaqueRef<Required<T>>) => Opaque<R>): RecipeFactory<T, R>;
  export function recipe<const A extends JSONSchema, R>(argument: A, fn: (inputs: OpaqueRef<SchemaData<A>>) => Opaque<R>): RecipeFactory<SchemaData<A>, R>;
  export function recipe<const A extends JSONSchema, const R extends JSONSchema>(argument: A, result: R, fn: (inputs: OpaqueRef<SchemaData<A>>) => unknown): RecipeFactory<SchemaData<A>, SchemaData<R>>;
  export function handler<const E extends JSONSchema, const S extends JSONSchema>(event: E, state: S, fn: (event: Schema<E>, state: Schema<S>) => unknown): HandlerFactory<Schema<S>, Schema<E>>;
  export function handler<E = any, T = any>(fn: (event: E, state: T) => unknown): HandlerFactory<T, E>;
  export function lift<const A extends JSONSchema, const R extends JSONSchema>(argument: A, result: R, fn: (input: Schema<A>) => unknown): (input: Opaque<SchemaData<A>>) => OpaqueRef<SchemaData<R>>;
  export function lift<T = any, R = any>(fn: (input: T) => R): (input: Opaque<T>) => OpaqueRef<Awaited<R>>;
  export function derive<T, R>(input: Opaque<T>, fn: (input: T) => R): OpaqueRef<Awaited<R>>;
  export function compute<R>(fn: () => R): OpaqueRef<R>;
  export function render<R>(fn: () => R): OpaqueRef<R>;
  export function cell<T = any>(value?: Opaque<T>, schema?: JSONSchema): OpaqueRef<T>;
  export function stream<T>(): OpaqueRef<Stream<T>>;
  export function str(strings: TemplateStringsArray, ...values: unknown[]): OpaqueRef<string>;
  export function ifElse<A, B>(condition: unknown, then: A, otherwise: B): OpaqueRef<A | B>;
  export function fetchData<T>(request: Opaque<{ url: string; mode?: "json" | "text"; options?: object }>): OpaqueRef<{ pending: boolean; result: T; error: unknown }>;
  export function streamData<T>(request: Opaque<{ url: string; options?: object }>): OpaqueRef<{ pending: boolean; result: { id: string; event: string; data: T }; error: unknown }>;
  export function llm(request: Opaque<{ prompt?: string; messages?: (string | { role: string; content: string })[]; system?: string; stop?: string; max_tokens?: number; model?: string }>): OpaqueRef<{ pending: boolean; result: string; partial: string }>;
  export function navigateTo(charm: unknown): OpaqueRef<string>;
  export function schema<const S extends JSONSchema>(schema: S): S;
  export function byRef<T, R>(name: string): (input: Opaque<T>) => OpaqueRef<R>;
  /** apiUrl: the toolshed. occasion: equal in every retry of a run. again(): asks for another run at once. */
  export function getRecipeEnvironment(): { readonly apiUrl: URL; readonly occasion: string; again(): void };
}

declare module "@commontools/html" {
  export const Fragment: "Fragment";
  export function h(name: unknown, props: Record<string, unknown> | null, ...children: unknown[]): JSX.Element;
}

declare module "@commontools/utils/sleep" {
  export function sleep(ms: number): Promise<void>;
}

declare module "zod" {
  /** As much of zod as describes schemas; what is missing is an error when the recipe is loaded. */
  export interface ZodType<T = any> {
    describe(text: string): ZodType<T>; optional(): ZodType<T | undefined>; default(value: T | (() => T)): ZodType<T>;
    nullable(): ZodType<T | null>; nullish(): ZodType<T | null | undefined>; array(): ZodType<T[]>; or<U>(other: ZodType<U>): ZodType<T | U>;
    and<U>(other: ZodType<U>): ZodType<T & U>; pipe<U>(other: ZodType<U>): ZodType<U>; catch(value: T): ZodType<T>; brand(name?: string): ZodType<T>; readonly(): ZodType<T>;
    refine(test: (value: T) => unknown, message?: unknown): ZodType<T>; superRefine(test: (value: T, context: any) => void): ZodType<T>; transform<U>(change: (value: T) => U): ZodType<U>;
    int(): ZodType<T>; min(least: number, message?: unknown): ZodType<T>; max(most: number, message?: unknown): ZodType<T>; length(exact: number): ZodType<T>; nonempty(): ZodType<T>;
    gt(than: number): ZodType<T>; gte(least: number): ZodType<T>; lt(than: number): ZodType<T>; lte(most: number): ZodType<T>; multipleOf(of: number): ZodType<T>; step(of: number): ZodType<T>;
    positive(): ZodType<T>; negative(): ZodType<T>; nonnegative(): ZodType<T>; nonpositive(): ZodType<T>; finite(): ZodType<T>; safe(): ZodType<T>;
    email(): ZodType<T>; url(): ZodType<T>; uuid(): ZodType<T>; datetime(options?: object): ZodType<T>; date(): ZodType<T>; time(): ZodType<T>; duration(): ZodType<T>;
    regex(pattern: RegExp): ZodType<T>; startsWith(text: string): ZodType<T>; endsWith(text: string): ZodType<T>; includes(text: string): ZodType<T>;
    trim(): ZodType<T>; toLowerCase(): ZodType<T>; toUpperCase(): ZodType<T>; exclude<U extends T>(values: readonly U[]): ZodType<Exclude<T, U>>; extract<U extends T>(values: readonly U[]): ZodType<U>;
    extend<S extends Record<string, ZodType>>(shape: S): ZodType<T & Fields<S>>; merge<U>(other: ZodType<U>): ZodType<T & U>; keyof(): ZodType<keyof T>;
    pick<K extends keyof T>(mask: Record<K, true>): ZodType<Pick<T, K>>; omit<K extends keyof T>(mask: Record<K, true>): ZodType<Omit<T, K>>;
    partial(mask?: object): ZodType<Partial<T>>; required(mask?: object): ZodType<Required<T>>; strict(): ZodType<T>; strip(): ZodType<T>; passthrough(): ZodType<T>; catchall(field: ZodType): ZodType<T>;
    rest(field: ZodType): ZodType<T>; unwrap(): ZodType; readonly shape: Record<string, ZodType>; readonly element: ZodType; readonly options: T[]; readonly enum: Record<string, T>;
  }
  export type TypeOf<Z> = Z extends ZodType<infer T> ? T : never;
  type Fields<S> = { [K in keyof S]: TypeOf<S[K]> };
  type About = { description?: string; required_error?: string; invalid_type_error?: string };
  interface Functions {
    object<S extends Record<string, ZodType>>(shape: S): ZodType<Fields<S>>;
    array<T>(items: ZodType<T>): ZodType<T[]>;
    record<T>(values: ZodType<T>): ZodType<Record<string, T>>;
    record<T>(keys: ZodType, values: ZodType<T>): ZodType<Record<string, T>>;
    union<O extends ZodType[]>(options: [...O]): ZodType<TypeOf<O[number]>>;
    literal<const T>(value: T): ZodType<T>;
    enum<const T extends string>(values: readonly T[]): ZodType<T>;
    nullable<T>(inner: ZodType<T>): ZodType<T | null>; optional<T>(inner: ZodType<T>): ZodType<T | undefined>;
    string(about?: About): ZodType<string>; number(about?: About): ZodType<number>; boolean(about?: About): ZodType<boolean>; null(): ZodType<null>;
    any(): ZodType<any>; unknown(): ZodType<unknown>; never(): ZodType<never>; undefined(): ZodType<undefined>; void(): ZodType<void>; nan(): ZodType<number>; function(): ZodType;
    bigint(): ZodType<bigint>; date(): ZodType<Date>; nativeEnum<E extends object>(values: E): ZodType<E[keyof E]>; lazy<T>(later: () => ZodType<T>): ZodType<T>;
    custom<T>(test?: unknown): ZodType<T>; instanceof<T>(of: new (...given: any[]) => T): ZodType<T>; preprocess<T>(change: (value: unknown) => unknown, inner: ZodType<T>): ZodType<T>;
    tuple<O extends ZodType[]>(items: [...O]): ZodType<{ [I in keyof O]: TypeOf<O[I]> }>; set<T>(items: ZodType<T>): ZodType<Set<T>>; map<K, V>(key: ZodType<K>, value: ZodType<V>): ZodType<Map<K, V>>;
    intersection<T, U>(one: ZodType<T>, other: ZodType<U>): ZodType<T & U>; strictObject<S extends Record<string, ZodType>>(shape: S): ZodType<Fields<S>>;
    discriminatedUnion<O extends ZodType[]>(key: string, options: [...O]): ZodType<TypeOf<O[number]>>;
    coerce: { string(): ZodType<string>; number(): ZodType<number>; boolean(): ZodType<boolean>; date(): ZodType<Date> };
  }
  export const z: Functions;
  export namespace z { export { TypeOf as infer, ZodType }; }
}

declare module "zod-to-json-schema" {
  export function zodToJsonSchema(schema: import("zod").ZodType): import("@commontools/builder").JSONSchema;
}

declare module "merkle-reference" {
  export interface Reference { toString(): string; toJSON(): { "/": string } }
  export function refer(value: unknown): Reference;
  export function is(value: unknown): value is Reference;
  export function fromJSON(json: { "/": string }): Reference;
  export function fromString(text: string): Reference;
}

declare module "turndown" {
  export default class TurndownService {
    constructor(options?: Record<string, string>);
    addRule(name: string, rule: { filter: string | string[]; replacement: (content: string, node: any, options: object) => string }): this;
    remove(filter: string | string[]): this;
    use(plugins: ((service: TurndownService) => void) | ((service: TurndownService) => void)[]): this;
    turndown(html: string | { outerHTML: string }): string;
  }
}

declare module "charmd/formats" {
  /** A text in the encoding that it, or its Content-Type, names. */
  export function decodeText(data: ArrayBuffer | ArrayBufferView, contentType?: string | null): string;
  /** The bytes of base64 or base64url. */
  export function decodeBase64(text: string): Uint8Array;
  /** A header of mail with its encoded words read. */
  export function decodeHeader(text: string): string;
  /** complete: the body has its closing boundary. */
  export function readMultipart(data: ArrayBuffer | ArrayBufferView, contentType: string | null): { parts: { headers: Record<string, string>; body: string }[]; complete: boolean };
  export interface CalendarEvent {
    id: string; uid: string; title: string; description: string; location: string; url: string; status: string;
    /** 2026-03-02T09:00:00Z, all day 2026-03-02; the end is exclusive. */
    start: string; end: string;
    allDay: boolean; recurring: boolean;
  }
  /** The events of iCalendar that touch the time between two dates, recurring ones once for each instance. */
  export function readCalendar(text: string, from: Date, to: Date, zone?: string): { name: string; events: CalendarEvent[]; warnings: string[] };
}

declare module "commontools" {
  export * from "@commontools/builder";
  export * from "@commontools/html";
}

declare namespace JSX {
  interface Element { type: "vnode"; name: string; props: Record<string, unknown>; children: unknown[] }
  interface ElementChildrenAttribute { children: {} }
  interface IntrinsicElements {
    /** Registers the charm for background runs when it is clicked. */
    "common-updater": { $state?: unknown; integration: string };
    /** Connects an account; $auth is the cell that holds the tokens. */
    "common-google-oauth": { $auth: unknown };
    [element: string]: any;
  }
}

/** fetch(url, { connection: "google" }): the host adds the credentials of the account that the charm is connected to. */
interface RequestInit { connection?: string }
