// JSON schemas, and what reading through one needs to know of it. They are compiled once, to Plans, which are part of the
// frozen heap.

import { type Fields, isArray, isObject, keys, own, parse, stringify } from "../host/host";

export interface Schema extends Fields {
  type?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  default?: unknown;
  $ref?: string;
}

export class Plan {
  kind: "view" | "object" | "array" | "choice" | "scalar" = "scalar";
  /** The value is handed out as a cell or a stream of `schema`. */
  readonly asCell: boolean;
  readonly schema: Schema | undefined;
  readonly default: unknown;
  /** Nothing below is a cell or a view: then reading needs no places, only stored values. */
  plain = false;
  /** A primitive that is stored is what is read. */
  asIs = false;
  /** An object of primitives. */
  flat = false;
  /** Of those that are guarded every object has one from its prototype. */
  readonly fields: { key: string; plan: Plan; guarded: boolean }[] = [];
  extra: Plan | undefined;
  items: Plan | undefined;
  options: Plan[] = [];

  constructor(schema: Schema, readonly root: Schema) {
    this.asCell = schema.asCell === true || schema.asStream === true;
    const { asCell: _cell, asStream: _stream, ...rest } = schema.$ref === "#" ? root : schema;
    // Where every alternative is a cell there is nothing to choose by: it is a cell of any of them.
    if (isArray(rest.anyOf) && rest.anyOf.length > 0 && rest.anyOf.every(({ asCell, asStream }) => asCell || asStream)) {
      this.asCell = true;
      rest.anyOf = rest.anyOf.map(({ asCell: _cell, asStream: _stream, ...option }) => option);
    }
    this.schema = keys(rest).length > 0 ? rest : undefined;
    this.default = rest.default;
  }
}

const plans = new WeakMap<Schema, Plan>();
const anything = planOf({});

export function planOf(schema: Schema, root: Schema = schema): Plan {
  if (!isObject(schema)) return anything;
  const known = plans.get(schema);
  if (known?.root === root) return known;
  const plan = new Plan(schema, root);
  plans.set(schema, plan);
  fill(plan, plan.schema ?? {}, root);
  return plan;
}

function fill(plan: Plan, { type, properties, additionalProperties: extra, items, anyOf }: Schema, root: Schema): void {
  const parts: Plan[] = [];
  const part = (schema: Schema): Plan => {
    const made = planOf(schema, root);
    parts.push(made);
    return made;
  };
  if (isArray(anyOf)) {
    plan.kind = "choice";
    plan.options = anyOf.map(part);
  } else if (type === "object" && (properties || extra)) {
    plan.kind = "object";
    for (const key of keys(properties ?? {})) plan.fields.push({ key, plan: part(properties![key]!), guarded: key in Object.prototype });
    if (extra) plan.extra = part(extra === true ? {} : extra);
  } else if (type === "array" && items !== undefined) {
    plan.kind = "array";
    plan.items = part(items);
  } else if (type === undefined || type === "object" || type === "array") plan.kind = "view";
  if (plan.asCell && plan.schema !== undefined) planOf(plan.schema, root);
  plan.asIs = !plan.asCell && (plan.kind === "scalar" || plan.kind === "view");
  plan.flat = plan.kind === "object" && plan.extra === undefined && parts.every((made) => made.asIs);
  plan.plain = plan.kind !== "view" && !plan.asCell && parts.every((made) => made.plain);
}

// A stored object must not get into the hands of a recipe as it is: a change would bypass write().
export function copyOf(raw: unknown): unknown { return isObject(raw) ? parse(stringify(raw)) : raw; }

/** The schema of a part, where the schema of the whole says something about it. */
export function schemaAt(schema: Schema | undefined, key: string | number, root = schema): Schema | undefined {
  const whole = schema?.$ref === "#" ? root : schema;
  if (whole === undefined) return undefined;
  const extra = isObject(whole.additionalProperties) ? whole.additionalProperties as Schema : undefined;
  return own(whole.properties ?? {}, String(key)) as Schema ?? (whole.type === "array" ? whole.items : extra);
}

/** The defaults that a schema's properties have, as one value; undefined when there is none. */
export function defaultsOf(schema: Schema | undefined): unknown {
  if (schema?.type !== "object") return schema?.default;
  const out: Fields = {};
  for (const key of keys(schema.properties ?? {})) {
    const value = defaultsOf(schema.properties![key]);
    if (value !== undefined) out[key] = copyOf(value);
  }
  return keys(out).length > 0 ? out : undefined;
}
