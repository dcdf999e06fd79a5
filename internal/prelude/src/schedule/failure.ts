// Failures as they are reported: whatever was thrown becomes name, message and the engine's own stack text.

import { isObject, stringify } from "../host/host";

export interface Thrown { name: string; message: string; stack: string }

export interface Failure extends Thrown { kind: "handler" | "lift"; of: string }

export function describeThrown(thrown: unknown): Thrown {
  if (thrown instanceof Error || isObject(thrown) && typeof thrown.message === "string") {
    const { name, message, stack } = thrown as Partial<Error>;
    return { name: String(name ?? ""), message: String(message ?? ""), stack: typeof stack === "string" ? stack : "" };
  }
  try {
    return { name: "", message: isObject(thrown) ? stringify(thrown) : String(thrown), stack: "" };
  } catch {
    return { name: "", message: "an object that has no JSON form", stack: "" };
  }
}
