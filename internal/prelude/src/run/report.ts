// What the report says about the result of a charm.

import { session } from "../cells/session";
import { view } from "../cells/view";
import type { Place } from "../documents/document";
import { found, isStream, resolve } from "../documents/link";
import type { Graph } from "../graph/graph";
import { type Fields, isArray, isObject, type Key, stringify } from "../host/host";
import type { Source } from "../schedule/scheduler";

const deepest = 64;

/** Whether the result has a bgUpdater that handles events. */
export function isUpdatable(result: Place): boolean {
  const { handlers = [] } = resolve(result.child("bgUpdater"));
  return isStream(found) && handlers.length > 0;
}

export function nameOf(result: Place): string | null {
  resolve(result.child("$NAME"));
  return found === undefined || found === null || isObject(found) ? null : String(found);
}

/** The integration of the first <common-updater> in the page. It is asked for when the charm is made, and only then. */
export function integrationOf(result: Place): string | null {
  return session.fresh ? findIntegration(view(result.child("$UI")), 0) ?? null : null;
}

function findIntegration(node: any, depth: number): string | undefined {
  if (!isObject(node) || depth > deepest) return undefined;
  const { name, props, children } = node as { name?: unknown; props?: { integration?: unknown }; children?: unknown };
  if (name === "common-updater" && typeof props?.integration === "string") return props.integration;
  for (const child of isArray(node) ? node : [children]) {
    const integration = findIntegration(child, depth + 1);
    if (integration !== undefined) return integration;
  }
  return undefined;
}

/** The cells that a recipe makes by itself, and what they are for. */
export function cellsOf(graph: Graph): { name: Key; kind: string; initial: string }[] {
  const computed = new Set(graph.nodes.flatMap(({ writes }) => writes.map(({ path }) => path[1])));
  const { internal } = graph.form().initial as { internal?: Fields };
  return graph.cells.map((name) => {
    const initial = internal?.[name];
    const kind = isStream(initial) ? "stream" : computed.has(name) ? "computed" : "state";
    return { name, kind, initial: initial === undefined ? "" : stringify(initial) };
  });
}

/** The name of a user's function, and a stack line that says where it is. */
export function whereIs({ code, label }: Source): { name: string; stack: string } {
  const { fileName, lineNumber, columnNumber } = code as Function & Record<"fileName" | "lineNumber" | "columnNumber", Key>;
  const name = code.name || label;
  return { name, stack: fileName === undefined ? "" : `    at ${name} (${fileName}:${lineNumber}:${columnNumber ?? 1})` };
}
