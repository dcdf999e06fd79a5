// Who is told when what is stored changes: the actions that read it, and rows that sleep.

import type { Place } from "../documents/document";
import { wakeReaders } from "./rows";
import { type Action, schedule } from "./scheduler";

/** Makes every action run again that read something at, above or below `place`. */
export function changed(place: Place): void {
  place.changed = "here";
  for (let at = place; at.parent !== undefined; at = at.parent) {
    const { readers, rows } = at.parent;
    at.parent.changed ||= "below";
    rerun(readers);
    if (rows !== undefined) for (let i = 0; i < rows.length; i++) rows[i]!.wake(Number(at.key));
  }
  changedBelow(place);
  wakeReaders(place.doc);
}

function changedBelow(place: Place): void {
  rerun(place.readers);
  if (place.rows !== undefined) for (let i = 0; i < place.rows.length; i++) place.rows[i]!.wakeAll();
  if (place.kids !== undefined) for (const kid of place.kids.values()) changedBelow(kid);
}

function rerun(actions: Action[] | undefined): void {
  if (actions !== undefined) for (let i = 0; i < actions.length; i++) schedule(actions[i]!);
}
