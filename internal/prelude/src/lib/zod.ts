// As much of zod as recipes use to describe their schemas: what is made here is only ever turned into JSON schema, as
// zod-to-json-schema does. Anything else of zod is an error that names it.

import type { Schema } from "../cells/schema";
import { type Fields, isObject, keys, mapObject } from "../host/host";

type Shape = Record<string, ZodType>;

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

export class ZodType {
  constructor(readonly schema: Schema, readonly isOptional = false, readonly shape: Shape = {}) {}

  private with(more: Schema, isOptional = this.isOptional): ZodType {
    return type({ ...this.schema, ...more }, isOptional, this.shape);
  }

  describe(description: string): ZodType { return this.with({ description }); }
  optional(): ZodType { return this.with({}, true); }
  default(value: unknown): ZodType { return this.with({ default: typeof value === "function" ? value() : value }, true); }
  array(): ZodType { return array(this); }
  or(other: ZodType): ZodType { return union([this, other]); }
  nullish(): ZodType { return this.nullable().optional(); }

  nullable(): ZodType {
    const { type: kind, description, ...rest } = this.schema;
    const isPlain = plain.has(kind) && keys(rest).length === 0;
    const either = isPlain ? { type: [kind, "null"] } : { anyOf: [this.schema, { type: "null" }] };
    return type((description === undefined ? either : { ...either, description }) as Schema, this.isOptional);
  }

  int(): ZodType { return this.with({ type: "integer" }); }
  min(least: number): ZodType { return this.with({ [bounds[this.schema.type!]![0]!]: least }); }
  max(most: number): ZodType { return this.with({ [bounds[this.schema.type!]![1]!]: most }); }
  extend(more: Shape): ZodType { return object({ ...this.shape, ...more }); }
  partial(): ZodType { return object(mapObject(this.shape, (field) => (field as ZodType).optional()) as Shape); }
}

/** The types that take others beside them in one schema. */
const plain = new Set<unknown>(["string", "number", "boolean", "null"]);

const bounds: Record<string, string[]> = {
  string: ["minLength", "maxLength"], array: ["minItems", "maxItems"],
  number: ["minimum", "maximum"], integer: ["minimum", "maximum"],
};

function type(schema: Schema, isOptional?: boolean, shape?: Shape): ZodType {
  return closed(new ZodType(schema, isOptional, shape), "the method ");
}

function object(shape: Shape): ZodType {
  const required = keys(shape).filter((key) => !shape[key]!.isOptional);
  const properties = mapObject(shape, (field) => (field as ZodType).schema) as Record<string, Schema>;
  const more = required.length > 0 ? { required } : {};
  return type({ type: "object", properties, ...more, additionalProperties: false }, false, shape);
}

const anything: Schema = {};
const array = ({ schema }: ZodType): ZodType => type(schema === anything ? { type: "array" } : { type: "array", items: schema });

function literal(value: unknown): ZodType {
  if (isObject(value)) return type({ type: "object" });
  return type(value === null ? { type: "null" } : { type: typeof value, const: value });
}

/** Of primitives the types together, of literals and enums their values, of anything else the alternatives. */
function union(options: ZodType[]): ZodType {
  const schemas = options.map(({ schema }) => schema);
  const each = (...names: string[]) => schemas.every((schema) => keys(schema).join() === names.join());
  const types = [...new Set(schemas.map((schema) => schema.type))];
  const kind = (types.length > 1 ? types : types[0]) as string;
  if (each("type") && types.every((name) => plain.has(name))) return type({ type: kind });
  if (each("type", "const")) return type({ type: kind, enum: schemas.map((schema) => schema.const) });
  if (each("type", "enum")) return type({ type: kind, enum: [...new Set(schemas.flatMap((schema) => schema.enum as unknown[]))] });
  return type({ anyOf: schemas });
}

const record = (...types: ZodType[]): ZodType =>
  type({ type: "object", additionalProperties: types.at(-1)!.schema });

const functions = {
  object, array, literal, union, record, ZodType,
  string: () => type({ type: "string" }),
  number: () => type({ type: "number" }),
  boolean: () => type({ type: "boolean" }),
  null: () => type({ type: "null" }),
  any: () => type(anything, true),
  unknown: () => type({}, true),
  enum: (values: string[]) => type({ type: "string", enum: [...values] }),
  optional: (inner: ZodType) => inner.optional(),
  nullable: (inner: ZodType) => inner.nullable(),
};

export const z: typeof functions & { z?: object } = closed(functions, "z");
z.z = z;

/** The JSON schema that a zod schema describes; anything else as it is. */
export function schemaOf(schema: unknown): Schema {
  if (!(schema instanceof ZodType)) return schema as Schema;
  return { ...schema.schema, $schema: "http://json-schema.org/draft-07/schema#" };
}

export function zodToJsonSchema(schema: unknown): Fields {
  if (schema instanceof ZodType) return schemaOf(schema);
  throw new TypeError("zodToJsonSchema takes a schema of zod");
}
