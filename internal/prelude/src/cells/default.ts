// Defaults of schemas, which are read where nothing is stored (runtime spec §3.3, §3.7).

import { type Place, type Reads, temporary } from "../documents/document";
import { type Fields, isArray, isObject, keys, own } from "../host/host";
import { newCell } from "./make";
import { copyOf, type Plan, type Schema } from "./schema";
import { view } from "./view";

/** `value`, a default, as `plan` reads it. Cells in it are those of `place`, where nothing is stored yet. */
export function defaultAt(place: Place | undefined, plan: Plan, value: unknown, reads?: Reads): unknown {
  if (plan.asCell) return newCell(place!, withDefault(plan.schema, value), plan.root, reads);
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
    for (const key of keys(value)) if (!Object.hasOwn(out, key)) out[key] = defaultAt(place?.child(key), plan.extra, value[key], reads);
  }
  return out;
}

function withDefault(schema: Schema | undefined, value: unknown): Schema | undefined {
  return value === undefined || value === schema?.default ? schema : { ...schema, default: value };
}
