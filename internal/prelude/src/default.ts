// Defaults of schemas: what is read where nothing is stored, and what a charm's argument begins with (runtime spec §3.3,
// §3.7).

import { Cell } from "./cell";
import { type Place, temporary } from "./document";
import { type Fields, isArray, isObject, keys, own, parse, stringify } from "./host";
import type { Plan, Schema } from "./schema";
import type { Reads } from "./scheduler";
import { view } from "./view";

/** `value`, a default, as `plan` reads it. Cells in it are those of `place`, where nothing is stored yet. */
export function defaultAt(place: Place | undefined, plan: Plan, value: unknown, reads?: Reads): unknown {
  if (plan.asCell) return new Cell(place!, withDefault(plan.schema, value), plan.root, reads);
  if (plan.kind === "object" && isObject(value)) return defaultFields(place, plan, value, reads);
  if (plan.kind === "array" && isArray(value)) {
    return value.map((item, i) => defaultAt(place?.child(i), plan.items!, item, reads));
  }
  return plan.kind === "view" && isObject(value) ? view(temporary(copyOf(value)).root) : copyOf(value);
}

function defaultFields(place: Place | undefined, plan: Plan, value: Fields, reads?: Reads): Fields {
  const out: Fields = {};
  for (const { key, plan: part } of plan.fields) {
    const stated = own(value, key);
    const given = stated === undefined ? part.default : stated;
    if (given !== undefined || part.asCell) out[key] = defaultAt(place?.child(key), part, given, reads);
  }
  if (plan.extra !== undefined) {
    for (const key of keys(value)) if (!(key in out)) out[key] = defaultAt(place?.child(key), plan.extra, value[key], reads);
  }
  return out;
}

function withDefault(schema: Schema | undefined, value: unknown): Schema | undefined {
  return value === undefined || value === schema?.default ? schema : { ...schema, default: value };
}

// A stored object must not get into the hands of a recipe as it is: a change would bypass write().
export function copyOf(raw: unknown): unknown { return isObject(raw) ? parse(stringify(raw)) : raw; }

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
