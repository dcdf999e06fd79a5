// structuredClone for what recipes have: JSON, dates, maps, sets, binary data, errors; cycles are kept.

import { isArray, isObject, keys } from "../host/host";
import { DOMException } from "./abort";

export function structuredClone<T>(value: T): T { return clone(value, new Map()) as T; }

function clone(value: unknown, done: Map<unknown, unknown>): unknown {
  if (typeof value === "function" || typeof value === "symbol") {
    throw new DOMException(`A ${typeof value} can't be cloned`, "DataCloneError");
  }
  if (!isObject(value)) return value;
  if (done.has(value)) return done.get(value);
  const copy: any = emptyLike(value);
  done.set(value, copy);
  if (value instanceof Map) for (const [key, part] of value) copy.set(clone(key, done), clone(part, done));
  else if (value instanceof Set) for (const part of value) copy.add(clone(part, done));
  else if (!ArrayBuffer.isView(value)) for (const key of keys(value)) copy[key] = clone(value[key], done);
  return copy;
}

function emptyLike(value: object): unknown {
  if (value instanceof Date) return new Date(+value);
  if (value instanceof RegExp) return new RegExp(value.source, value.flags);
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return (value as ArrayBuffer).slice(0);
  if (value instanceof Map) return new Map();
  if (value instanceof Set) return new Set();
  if (isArray(value)) return new Array(value.length);
  return value instanceof Error ? Object.assign(new Error(value.message), { name: value.name }) : {};
}
