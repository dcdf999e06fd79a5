// Who is told when what is stored changes: the actions that read it, and rows that sleep.

import type { Place } from "../documents/document";
import { wakeReaders } from "./rows";
import { readersAround, schedule } from "./scheduler";

/** Makes every action run again that read something at, above or below `place`. */
export function changed(place: Place): void {
  place.changed = "here";
  for (let at = place; at.parent !== undefined; at = at.parent) {
    const { rows } = at.parent;
    at.parent.changed ||= "below";
    if (rows !== undefined) for (let i = 0; i < rows.length; i++) rows[i]!.wake(Number(at.key));
  }
  const readers = readersAround(place, false);
  for (let i = 0; i < readers.length; i++) schedule(readers[i]!);
  wakeBelow(place);
  wakeReaders(place.doc);
}

function wakeBelow(place: Place): void {
  if (place.rows !== undefined) for (let i = 0; i < place.rows.length; i++) place.rows[i]!.wakeAll();
  if (place.kids !== undefined) for (const kid of place.kids.values()) wakeBelow(kid);
}
