// The memo that the last committed run left for this one, of what its rows of map read, and what has changed since.

import { documents, type Place } from "../documents/document";
import type { EntityId } from "../documents/entity";
import type { Key } from "../host/host";

/** The documents that a row consists of, and the others that it read; 0 for a row that must not sleep. */
export type Row = [own: EntityId[], read: EntityId[]] | 0;

/** By the output document of the map. `shared` are the places outside of the list that any of its rows read. */
export type Memo = Record<EntityId, { shared: [EntityId, ...Key[]][]; rows: Row[] }>;

export const none: Memo = {};
export let memo = none;
let stale = new Set<EntityId>();

/** Takes the memo of the last committed run, and the ids of documents that somebody else has changed since. */
export function recall(last: Memo | undefined, changed: EntityId[] | undefined): void {
  memo = last ?? none;
  if (changed !== undefined) stale = new Set(changed);
}

/** Whether a document differs from what the last committed run left. */
export function isChanged(id: EntityId): boolean {
  return stale.has(id) || (documents.get(id)?.root.changed ?? "") !== "";
}

/** Whether the place, or one above it, was written to. */
export function isReplaced(place: Place): boolean {
  if (stale.has(place.doc.id)) return true;
  for (let at: Place | undefined = place; at !== undefined; at = at.parent) if (at.changed === "here") return true;
  return false;
}

export function isChangedAt(place: Place): boolean { return place.changed !== "" || isReplaced(place); }
