// console: every call is one line of the run's log.

import { host, isArray, isObject, keys, stringify } from "../host/host";
import { meetOutside } from "../host/outside";

const deepest = 4;

const writer = (level: "log" | "info" | "debug" | "warn" | "error") => (...args: unknown[]): void => {
  meetOutside();
  host.log(level, args.map((arg) => typeof arg === "string" ? arg : inspect(arg, 0)).join(" "));
};

/** A value as text for people: close to how it would be written in a program. */
function inspect(value: unknown, depth: number): string {
  if (typeof value === "string") return stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `[function ${value.name || "anonymous"}]`;
  if (!isObject(value)) return String(value);
  if (value instanceof Error) return `${value.name}: ${value.message}\n${value.stack ?? ""}`.trimEnd();
  if (value instanceof Date) return isNaN(+value) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (typeof value.toJSON === "function") return inspect(value.toJSON(), depth);
  if (depth >= deepest) return isArray(value) ? "[…]" : "{…}";
  const inner = (part: unknown) => inspect(part, depth + 1);
  if (isArray(value)) return `[${value.map(inner).join(", ")}]`;
  if (value instanceof Set) return `Set {${[...value].map(inner).join(", ")}}`;
  if (value instanceof Map) return `Map {${[...value].map(([key, part]) => `${inner(key)} => ${inner(part)}`).join(", ")}}`;
  const fields = keys(value).map((key) => `${/^[\w$]+$/.test(key) ? key : stringify(key)}: ${inner(value[key])}`);
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}

const [log, debug, error] = [writer("log"), writer("debug"), writer("error")];

export const console = {
  log, debug, error, info: writer("info"), warn: writer("warn"), dir: log, table: log,
  trace: (...args: unknown[]) => debug(...args, "\n" + new Error().stack),
  assert: (holds: unknown, ...args: unknown[]) => holds || error("Assertion failed:", ...args),
  group: log, groupEnd: (): void => {},
};
