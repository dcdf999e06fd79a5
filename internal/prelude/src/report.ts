// What the report says about the result of a charm.

import type { Place } from "./document";
import { isArray, isObject } from "./host";
import { found, isAlias, isLink, isStream, resolve } from "./link";
import type { Source } from "./scheduler";
import { session } from "./session";

const deepest = 64;

/** Whether the result has a bgUpdater that handles events. */
export function isUpdatable(result: Place): boolean {
  const at = resolve(result.child("bgUpdater"));
  return isStream(found) && (at.handlers?.length ?? 0) > 0;
}

export function nameOf(result: Place): string | null {
  resolve(result.child("$NAME"));
  return found === undefined || found === null || isObject(found) ? null : String(found);
}

/** The integration of the first <common-updater> in the page. Links are followed only when the charm is made. */
export function integrationOf(result: Place): string | null {
  return findIntegration(result.child("$UI"), 0) ?? null;
}

function findIntegration(place: Place, depth: number): string | undefined {
  if (depth > deepest) return undefined;
  const raw = place.raw();
  if (!isObject(raw)) return undefined;
  if (isAlias(raw) || isLink(raw)) {
    if (!session.fresh) return undefined;
    const at = resolve(place);
    return at === place || !isObject(found) ? undefined : findIntegration(at, depth + 1);
  }
  if (raw.type === "vnode" && raw.name === "common-updater" && isObject(raw.props)) {
    resolve(place.at(["props", "integration"]));
    if (typeof found === "string") return found;
  }
  const children = isArray(raw) ? place : place.child("children");
  const list = children.raw();
  if (!isArray(list)) return isObject(list) && !isArray(raw) ? findIntegration(children, depth + 1) : undefined;
  for (let i = 0; i < list.length; i++) {
    const integration = findIntegration(children.child(i), depth + 1);
    if (integration !== undefined) return integration;
  }
  return undefined;
}

/** The name of a user's function, and a stack line that says where it is. */
export function whereIs({ code, label }: Source): { name: string; stack: string } {
  const { fileName, lineNumber, columnNumber } = code as Function & Record<"fileName" | "lineNumber" | "columnNumber", unknown>;
  const name = code.name || label;
  return { name, stack: fileName === undefined ? "" : `    at ${name} (${fileName}:${lineNumber}:${columnNumber ?? 1})` };
}
