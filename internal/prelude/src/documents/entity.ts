// Entity ids: references of a value and a cause, after the original's clean-up of both (runtime spec §3.2).

import { host, isArray, isObject, keys, type Fields, stringify } from "../host/host";

export type EntityId = string;

/** The id of the document that `source` and `cause` determine: "baedrei…". */
export function entityId(source: object, cause: unknown): EntityId {
  return host.refer(stringify(cleaned(source, cause)), "link");
}

export function newId(): EntityId { return entityId({}, host.uuid()); }

// Equal values after the first become null, primitives included: ids in real databases were made that way.
function cleaned(source: object, cause: unknown): unknown {
  const seen = new Set<unknown>();
  const clean = (value: unknown): unknown => {
    if (value === undefined || seen.has(value)) return null;
    seen.add(value);
    if (typeof value === "function") return String(value);
    if (!isObject(value) || "/" in value) return value;
    if (typeof value.toJSON === "function") return value.toJSON();
    if (isArray(value)) return value.map(clean);
    const out: Fields = {};
    for (const key of keys(value)) out[key] = clean(value[key]);
    return out;
  };
  return clean({ ...source, causal: cause });
}
