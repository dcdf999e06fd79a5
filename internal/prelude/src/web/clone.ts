// structuredClone for what recipes have: JSON, dates, maps, sets, binary data, errors; cycles are kept.

import { isArray, isObject, keys } from "../host";
import { DOMException } from "./abort";

export function structuredClone<T>(value: T): T {
  const done = new Map<unknown, unknown>();
  const clone = (value: unknown): unknown => {
    if (typeof value === "function" || typeof value === "symbol") {
      throw new DOMException(`A ${typeof value} can't be cloned`, "DataCloneError");
    }
    if (!isObject(value)) return value;
    if (done.has(value)) return done.get(value);
    const keep = <C>(copy: C): C => {
      done.set(value, copy);
      return copy;
    };
    if (value instanceof Date) return keep(new Date(+value));
    if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
    if (value instanceof ArrayBuffer) return keep(value.slice(0));
    if (ArrayBuffer.isView(value)) return keep((value as unknown as Uint8Array).slice());
    if (value instanceof Map) {
      const copy = keep(new Map());
      for (const [key, part] of value) copy.set(clone(key), clone(part));
      return copy;
    }
    if (value instanceof Set) {
      const copy = keep(new Set());
      for (const part of value) copy.add(clone(part));
      return copy;
    }
    const copy = keep(isArray(value) ? new Array(value.length) : value instanceof Error ? errorLike(value) : {});
    for (const key of keys(value)) (copy as Record<string, unknown>)[key] = clone(value[key]);
    return copy;
  };
  return clone(value) as T;
}

function errorLike(error: Error): Error {
  const copy = new Error(error.message);
  Object.defineProperty(copy, "name", { value: error.name, configurable: true, writable: true });
  Object.defineProperty(copy, "stack", { value: error.stack, configurable: true, writable: true });
  return copy;
}
