// console: every call is one line of the run's log.

import { host, isArray, isObject, keys, stringify } from "../host";

type Level = "log" | "info" | "debug" | "warn" | "error";

const deepest = 4;
let indent = "";

function line(level: Level, args: readonly unknown[]): void {
  host.log(level, indent + args.map((arg) => typeof arg === "string" ? arg : inspect(arg, 0)).join(" "));
}

/** A value as text for people: close to how it would be written in a program. */
export function inspect(value: unknown, depth: number): string {
  if (typeof value === "string") return stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `[function ${value.name || "anonymous"}]`;
  if (!isObject(value)) return String(value);
  if (value instanceof Error) return `${value.name}: ${value.message}${value.stack ? "\n" + value.stack.trimEnd() : ""}`;
  if (value instanceof Date) return isNaN(+value) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (depth >= deepest) return isArray(value) ? "[…]" : "{…}";
  const inner = (part: unknown) => inspect(part, depth + 1);
  if (isArray(value)) return `[${value.map(inner).join(", ")}]`;
  if (value instanceof Set) return `Set {${[...value].map(inner).join(", ")}}`;
  if (value instanceof Map) return `Map {${[...value].map(([key, part]) => `${inner(key)} => ${inner(part)}`).join(", ")}}`;
  const fields = keys(value).map((key) => `${/^[\w$]+$/.test(key) ? key : stringify(key)}: ${inner(value[key])}`);
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}

const counts = new Map<string, number>();
const started = new Map<string, number>();

export const console = {
  log: (...args: unknown[]) => line("log", args),
  info: (...args: unknown[]) => line("info", args),
  debug: (...args: unknown[]) => line("debug", args),
  warn: (...args: unknown[]) => line("warn", args),
  error: (...args: unknown[]) => line("error", args),
  trace: (...args: unknown[]) => line("debug", [...args, "\n" + new Error().stack]),
  dir: (value: unknown) => line("log", [value]),
  table: (value: unknown) => line("log", [value]),
  assert: (holds: unknown, ...args: unknown[]) => holds || line("error", ["Assertion failed:", ...args]),
  group: (...args: unknown[]) => {
    line("log", args);
    indent += "  ";
  },
  groupEnd: () => void (indent = indent.slice(2)),
  count: (label = "default") => {
    counts.set(label, (counts.get(label) ?? 0) + 1);
    line("log", [`${label}: ${counts.get(label)}`]);
  },
  time: (label = "default") => void started.set(label, host.now()),
  timeEnd: (label = "default") => line("log", [`${label}: ${host.now() - (started.get(label) ?? host.now())} ms`]),
};
