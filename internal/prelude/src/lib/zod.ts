// As much of zod as recipes use to describe their schemas: what is made here is only ever turned into JSON schema, as
// zod-to-json-schema does. Nothing is checked or changed by it, and anything else of zod is an error that names it.

import type { Schema } from "../cells/schema";
import { type Fields, isArray, isObject, keys, mapObject } from "../host/host";

type Shape = Record<string, ZodType>;
type Mask = Record<string, boolean>;
type About = { description?: string };

/** Makes reading an unknown name an error. What the language itself asks for is just not there. */
function closed<T extends object>(value: T, prefix: string): T {
  return new Proxy(value, {
    get: (target, key, receiver) => {
      if (typeof key === "symbol" || key in target || ignored.has(key)) return Reflect.get(target, key, receiver);
      throw new Error(`${prefix}.${key} of zod is not available here`);
    },
  });
}

const ignored = new Set(["then", "toJSON", "default", "__esModule"]);

/** In a schema: a function that makes the type, once all of them are there. */
const LATER = Symbol("later");

/** What a type is beside its schema. */
interface Traits {
  /** undefined is a value of the type, so a property of it need not be there. */
  optional?: boolean;
  /** Made by optional(): a property shows that by not being required, anything else needs an alternative for it. */
  wrapped?: boolean;
  /** Has no form in JSON: a property of the type is left out. */
  formless?: boolean;
  /** The type that this one is made around: an array's element, what is nullable. */
  inner?: ZodType;
  shape?: Shape;
}

export class ZodType {
  constructor(readonly schema: Schema, readonly traits: Traits) {}

  private with(more: Schema, traits: Traits = {}): ZodType { return type({ ...this.schema, ...more }, { ...this.traits, ...traits }); }

  get shape(): Shape { return this.traits.shape!; }
  get element(): ZodType { return this.traits.inner!; }
  get description(): unknown { return this.schema.description; }
  get options(): unknown { return this.schema.enum; }
  get enum(): Fields { return Object.fromEntries((this.schema.enum as string[]).map((name) => [name, name])); }
  get Values(): Fields { return this.enum; }
  unwrap(): ZodType { return this.traits.inner!; }
  describe(description: string): ZodType { return this.with({ description }); }
  optional(): ZodType { return this.with({}, { optional: true, wrapped: true, inner: this }); }
  default(value: unknown): ZodType {
    return this.with({ default: typeof value === "function" ? value() : value }, { optional: true, wrapped: false, inner: this });
  }
  catch(_value: unknown): ZodType { return this.with({}, { optional: true, wrapped: false }); }
  array(): ZodType { return array(this); }
  or(other: ZodType): ZodType { return union([this, other], this.schema as About); }
  and(other: ZodType): ZodType { return intersection(this, other, this.schema as About); }
  pipe(other: ZodType): ZodType { return type({ allOf: [placed(this), placed(other)] }, { optional: this.traits.optional }); }
  nullish(): ZodType { return this.nullable().optional(); }

  nullable(): ZodType {
    const { type: kind, description, ...rest } = this.schema;
    const isPlain = plain.has(kind) && keys(rest).length === 0 && !this.traits.wrapped;
    const either = isPlain ? { type: [kind, "null"] } : { anyOf: [placed(this), { type: "null" }] };
    return type(described(either, { description } as About), { optional: this.traits.optional, inner: this });
  }
  int(): ZodType { return this.with({ type: "integer" }); }
  min(least: number): ZodType { return this.with({ [bounds[this.schema.type!]![0]!]: least }); }
  max(most: number): ZodType { return this.with({ [bounds[this.schema.type!]![1]!]: most }); }
  length(exact: number): ZodType { return this.min(exact).max(exact); }
  nonempty(): ZodType { return this.min(1); }
  gt(than: number): ZodType { return this.with({ exclusiveMinimum: than }); }
  lt(than: number): ZodType { return this.with({ exclusiveMaximum: than }); }
  positive(): ZodType { return this.gt(0); }
  negative(): ZodType { return this.lt(0); }
  nonnegative(): ZodType { return this.min(0); }
  nonpositive(): ZodType { return this.max(0); }
  safe(): ZodType { return this.min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER); }
  multipleOf(multipleOf: number): ZodType { return this.with({ multipleOf }); }
  regex({ source }: RegExp): ZodType { return this.with({ pattern: source }); }
  startsWith(text: string): ZodType { return this.with({ pattern: "^" + literally(text) }); }
  endsWith(text: string): ZodType { return this.with({ pattern: literally(text) + "$" }); }
  includes(text: string): ZodType { return this.with({ pattern: literally(text) }); }
  exclude(names: string[]): ZodType { return enumeration((this.schema.enum as string[]).filter((name) => !names.includes(name))); }
  extract(names: string[]): ZodType { return enumeration(names); }
  private shaped(shape: Shape, more: Schema = {}): ZodType {
    const { description, additionalProperties } = this.schema;
    return object(shape, { description } as About, { additionalProperties, ...more });
  }
  extend(more: Shape): ZodType { return this.shaped({ ...this.shape, ...more }); }
  merge({ shape, schema }: ZodType): ZodType { return this.shaped({ ...this.shape, ...shape }, { additionalProperties: schema.additionalProperties }); }
  setKey(key: string, field: ZodType): ZodType { return this.extend({ [key]: field }); }
  pick(mask: Mask): ZodType { return this.shaped(chosen(this.shape, (key) => mask[key])); }
  omit(mask: Mask): ZodType { return this.shaped(chosen(this.shape, (key) => !mask[key])); }
  partial(mask?: Mask): ZodType { return this.shaped(changed(this.shape, mask, (field) => field.optional())); }
  required(mask?: Mask): ZodType { return this.shaped(changed(this.shape, mask, (field) => field.traits.wrapped ? field.unwrap() : field)); }
  strict(): ZodType { return this.with({ additionalProperties: false }); }
  passthrough(): ZodType { return this.with({ additionalProperties: true }); }
  catchall(field: ZodType): ZodType { return this.with({ additionalProperties: placed(field) }); }
  keyof(): ZodType { return enumeration(keys(this.shape)); }
  rest(field: ZodType): ZodType { return this.with({ maxItems: undefined, additionalItems: placed(field) }); }
}

// What checks or changes a value, of which a schema says nothing; and the formats of texts.
const same = "refine superRefine transform brand readonly trim toLowerCase toUpperCase finite";
const others: Record<string, string> = { gte: "min", lte: "max", step: "multipleOf", strip: "strict" };
const formats: Record<string, string> = {
  email: "email", url: "uri", uuid: "uuid", datetime: "date-time", date: "date", time: "time", duration: "duration",
};
const methods = ZodType.prototype as any;
for (const name of same.split(" ")) methods[name] = function (this: ZodType) { return this; };
for (const name of keys(others)) methods[name] = methods[others[name]!];
for (const name of keys(formats)) methods[name] = function (this: any) { return this.with({ format: formats[name] }); };

/** The types that take others beside them in one schema. */
const plain = new Set<unknown>(["string", "number", "boolean", "null"]);

const bounds: Record<string, string[]> = {
  string: ["minLength", "maxLength"], array: ["minItems", "maxItems"],
  number: ["minimum", "maximum"], integer: ["minimum", "maximum"],
};

function type(schema: Schema, traits: Traits = {}): ZodType { return closed(new ZodType(schema, traits), "the method "); }

function described(schema: object, { description }: About = {}): Schema {
  return (description === undefined ? schema : { ...schema, description }) as Schema;
}

const literally = (text: string): string => text.replace(/[^A-Za-z0-9]/g, "\\$&");
const chosen = (shape: Shape, isIn: (key: string) => unknown): Shape => Object.fromEntries(Object.entries(shape).filter(([key]) => isIn(key)));
const changed = (shape: Shape, mask: Mask | undefined, change: (field: ZodType) => ZodType): Shape =>
  Object.fromEntries(Object.entries(shape).map(([key, field]) => [key, mask === undefined || mask[key] ? change(field) : field]));

/** The schema of a type that is not a property. */
function placed({ schema, traits }: ZodType): Schema {
  return traits.wrapped ? described({ anyOf: [{ not: {} }, schema] }, schema as About) : schema;
}

function object(shape: Shape, about?: About, more: Schema = { additionalProperties: false }): ZodType {
  const formed = chosen(shape, (key) => !shape[key]!.traits.formless);
  const required = keys(formed).filter((key) => !shape[key]!.traits.optional);
  const properties = mapObject(formed, (field) => (field as ZodType).schema) as Record<string, Schema>;
  return type(described({ type: "object", properties, ...(required.length > 0 ? { required } : {}), ...more }, about), { shape });
}

const anything: Schema = {};
const array = (inner: ZodType, about?: About): ZodType =>
  type(described(inner.schema === anything ? { type: "array" } : { type: "array", items: placed(inner) }, about), { inner });
const enumeration = (values: string[], about?: About): ZodType => type(described({ type: "string", enum: [...values] }, about));
const ofType = (name: string, more: object = {}, traits?: Traits) => (about?: About) => type(described({ type: name, ...more }, about), traits);

function literal(value: unknown): ZodType {
  if (isObject(value)) return type({ type: "object" });
  return type(value === null ? { type: "null" } : { type: typeof value, const: value });
}

/** Of primitives the types together, of literals and enums their values, of anything else the alternatives. */
function union(options: ZodType[], about?: About): ZodType {
  const schemas = options.map(placed);
  const traits = { optional: options.some((option) => option.traits.optional) };
  const each = (...names: string[]) => schemas.every(({ description: _about, ...schema }) => keys(schema).join() === names.join());
  const types = [...new Set(schemas.map((schema) => schema.type))];
  const kind = (types.length > 1 ? types : types[0]) as string;
  const either = each("type") && types.every((name) => plain.has(name))
    ? { type: kind }
    : schemas.every(({ type, description, ...schema }) => description === undefined && (type === "null" || keys(schema).join() === "const"))
    ? { type: kind, enum: schemas.map((schema) => schema.type === "null" ? null : schema.const) }
    : each("type", "enum")
    ? { type: kind, enum: [...new Set(schemas.flatMap((schema) => schema.enum as unknown[]))] }
    : { anyOf: schemas };
  return type(described(either, about), traits);
}

/** An object may have the other's properties too, so neither says that there are no more. */
function intersection(a: ZodType, b: ZodType, about?: About): ZodType {
  const parts = [a, b].map(placed).flatMap((schema) => schema.allOf as Schema[] ?? schema).map((schema) => {
    const { additionalProperties, ...rest } = schema;
    return additionalProperties === false ? rest : schema;
  });
  return type(described({ allOf: parts }, about), { optional: a.traits.optional && b.traits.optional });
}

function record(...types: ZodType[]): ZodType {
  const { type: _type, ...names } = types.length > 1 ? types[0]!.schema : {};
  return type({ type: "object", additionalProperties: placed(types.at(-1)!), ...(keys(names).length > 0 ? { propertyNames: names } : {}) });
}

function tuple(items: ZodType[]): ZodType {
  return type({ type: "array", minItems: items.length, maxItems: items.length, items: items.map(placed) as object as Schema });
}

function nativeEnum(values: Record<string, unknown>): ZodType {
  // An enum of TypeScript leads back from its numbers to their names.
  const listed = keys(values).filter((key) => typeof values[values[key] as string] !== "number").map((key) => values[key]);
  const types = new Set(listed.map((value) => typeof value));
  return type({ type: (types.size > 1 ? ["string", "number"] : [...types][0]) as string, enum: listed });
}

const date = ofType("string", { format: "date-time" });
const nothing = (traits?: Traits) => () => type({ not: {} }, traits);
const anyOther = () => type({});

const functions = {
  object, array, literal, union, record, tuple, nativeEnum, intersection, date, ZodType, strictObject: object,
  string: ofType("string"), number: ofType("number"), boolean: ofType("boolean"), null: ofType("null"),
  bigint: ofType("integer", { format: "int64" }),
  coerce: {
    string: ofType("string", {}, { optional: true }), number: ofType("number"), boolean: ofType("boolean", {}, { optional: true }), date,
  },
  any: () => type(anything, { optional: true }), unknown: () => type({}, { optional: true }), custom: anyOther, instanceof: anyOther,
  never: nothing(), nan: nothing(), undefined: nothing({ optional: true }), void: nothing({ formless: true }), function: nothing({ formless: true }),
  enum: enumeration,
  optional: (inner: ZodType) => inner.optional(),
  nullable: (inner: ZodType) => inner.nullable(),
  preprocess: (_change: unknown, inner: ZodType) => inner,
  lazy: (later: () => ZodType) => type({ [LATER]: later } as unknown as Schema),
  discriminatedUnion: (_key: string, options: ZodType[]) => type({ anyOf: options.map(placed) }),
  set: (inner: ZodType) => type({ type: "array", uniqueItems: true, items: placed(inner) }),
  map: (key: ZodType, value: ZodType) => type({ type: "array", maxItems: 125, items: tuple([key, value]).schema }),
};

export const z: typeof functions & { z?: object } = closed(functions, "z");
z.z = z;

/** A schema with what was to be made later; where that is in itself there is a reference. */
function written(schema: unknown, path: string, open: Map<unknown, string>): unknown {
  if (!isObject(schema)) return schema;
  if (open.has(schema)) return { $ref: open.get(schema) };
  if (isArray(schema)) return schema.map((part, i) => written(part, `${path}/${i}`, open));
  open.set(schema, path);
  const later = (schema as { [LATER]?: () => ZodType })[LATER];
  const out = later === undefined ? {} : written(later().schema, path, open) as Fields;
  for (const key of keys(schema)) out[key] = written(schema[key], `${path}/${key}`, open);
  open.delete(schema);
  return out;
}

/** The JSON schema that a zod schema describes; anything else as it is. */
export function schemaOf(schema: unknown): Schema {
  if (!(schema instanceof ZodType)) return schema as Schema;
  return { ...written(placed(schema), "#", new Map()) as Schema, $schema: "http://json-schema.org/draft-07/schema#" };
}

export function zodToJsonSchema(schema: unknown): Fields {
  if (schema instanceof ZodType) return schemaOf(schema);
  throw new TypeError("zodToJsonSchema takes a schema of zod");
}
