// The end of a run: changed documents are handed to the host, and new ones if a stored document links to them.

import { isArray, isObject, keys } from "../host/host";
import { type Document, documents } from "./document";
import { isAlias, isLink } from "./link";

/** Saves `roots`, if new or changed, and what else has changed. Answers how many documents were handed over. */
export function saveChanges(roots: readonly Document[]): number {
  const queue = new Set<Document>();
  let anyNew = false;
  for (const doc of documents.values()) {
    if (doc.dirty && (doc.stored || roots.includes(doc))) queue.add(doc);
    anyNew ||= isNew(doc);
  }
  let saved = 0;
  // The set grows while it is walked: by the new documents that a saved one leads to.
  for (const doc of queue) {
    if (doc.save()) saved++;
    if (!anyNew) continue;
    include(doc.source, queue);
    linkedFrom(doc.value, queue);
  }
  return saved;
}

function linkedFrom(value: unknown, queue: Set<Document>): void {
  if (!isObject(value)) return;
  const cell = isAlias(value) ? value.$alias.cell : isLink(value) ? value.cell : undefined;
  if (cell !== undefined) include(documents.get(cell["/"]), queue);
  else if (isArray(value)) for (const item of value) linkedFrom(item, queue);
  else for (const key of keys(value)) linkedFrom(value[key], queue);
}

function include(doc: Document | undefined, queue: Set<Document>): void {
  if (doc !== undefined && isNew(doc)) queue.add(doc);
}

function isNew(doc: Document): boolean {
  return doc.loaded && !doc.stored && (doc.dirty || doc.value !== undefined || doc.source !== undefined);
}
