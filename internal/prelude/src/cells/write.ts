// Writing: a new value is compared with what is stored, and only what differs changes (runtime spec §3.6). Views and
// cells become links, objects with an [ID] become documents of their own, everything else is copied.

import { type Document, documentOf, type Place } from "../documents/document";
import { entityId } from "../documents/entity";
import { aliasTarget, found, isAlias, isLink, type Link, linkTo, placeOf, resolve, sameLink, writeTarget } from "../documents/link";
import { type Fields, host, is, isArray, isObject, type Key, keys, parse, stringify } from "../host/host";
import { changed } from "../schedule/change";
import { topFrame } from "./frame";
import { session } from "./session";
import { ID, ID_FIELD, LINK, PLACE, REF } from "./symbols";

type Marked = Fields & { [ID]?: unknown; [ID_FIELD]?: string; [LINK]?: Link; [PLACE]?: Place; [REF]?: unknown };
const deepest = 512;

/** Makes `value` what is stored at `place`; an alias at the place is followed, a link there is replaced. */
export function write(place: Place, value: unknown): void {
  const target = writeTarget(place);
  assign(target, containerOf(target), value);
}

/** Appends to the array that is stored at `place`. */
export function append(place: Place, values: readonly unknown[]): void {
  const list = place.raw() as unknown[];
  const before = list.length;
  for (const [i, value] of values.slice(0, lengthOf(values)).entries()) {
    const kid = place.child(before + i);
    const likeSibling = isObject(value) && (value as Marked)[ID_FIELD] !== undefined;
    const anchor = anchorOf(place);
    put(kid, list, likeSibling ? asEntity(value, anchor, list.slice(0, before)) : copied(kid, anchor, value, 0));
  }
}

/** Puts `raw`, which is in stored form already, in the stead of whatever is at `place`, an alias too. */
export function replace(place: Place, raw: unknown): void { put(place, containerOf(place), raw); }

/** The stored form of a value that is to become a part of what is at `place`. */
export function storedForm(place: Place, value: unknown): unknown { return copied(place, anchorOf(place), value, 0); }

/** Makes `elements`, which are in stored form already, the array at `place`. */
export function replaceElements(place: Place, elements: unknown[]): void {
  const current = place.raw() as unknown[];
  if (current.length === elements.length && current.every((value, i) => is(value, elements[i]))) return;
  put(place, containerOf(place), elements);
}

/** Cuts or lengthens the array that is stored at `place`. */
export function resize(place: Place, length: number): void {
  refuseFrozen(place.doc);
  (place.raw() as unknown[]).length = length;
  place.doc.touch();
  place.doc.shape++;
  changed(place);
}

/** The object that holds what is stored at `place`; missing ones on the way are made. */
function containerOf(place: Place): object {
  const parent = place.parent;
  if (parent === undefined) {
    place.doc.read();
    return place.doc;
  }
  const raw = parent.raw();
  if (isObject(raw)) return raw;
  if (raw !== undefined && raw !== null) throw new TypeError(`Can't set "${place.key}" of a ${typeof raw}`);
  const made = typeof place.key === "number" ? [] : {};
  put(parent, containerOf(parent), made);
  return made;
}

// A document holds its value in the field "value": so the top of a document needs no treatment of its own.
function keyOf(place: Place): Key { return place.parent === undefined ? "value" : place.key; }

function assign(place: Place, container: object, value: unknown, siblings?: readonly unknown[]): void {
  const current = (container as Fields)[keyOf(place)];
  let next = linked(value);
  if (isAlias(next)) {
    if (!isAlias(current) || stringify(current) !== stringify(next)) put(place, container, copyOfJSON(next));
    return;
  }
  if (isAlias(current)) {
    const target = writeTarget(aliasTarget(place.doc, current.$alias));
    return assign(target, containerOf(target), next);
  }
  if (isObject(next) && isMarked(next)) next = asEntity(next, anchorOf(place), siblings);
  if (isLink(next)) {
    // What is given back to its own place, as by o = { ...o }, stays as it is: a link would lead to itself.
    if (placeOf(next) !== place && (!isLink(current) || !sameLink(current, next))) put(place, container, { ...next });
  } else if (isArray(next) && isArray(current)) {
    assignElements(place, current, next);
  } else if (!isArray(next) && isObject(next) && isObject(current) && !isArray(current) && !isLink(current)) {
    assignFields(place, current, next);
  } else if (isObject(next)) {
    put(place, container, copied(place, anchorOf(place), next, 0));
  } else {
    const plain = storable(next);
    if (!is(current, plain)) put(place, container, plain);
  }
}

function assignElements(place: Place, current: unknown[], next: unknown[]): void {
  const before = current.slice();
  const taken = new Set<number>();
  const length = lengthOf(next);
  const sources = next.map((value) => isObject(value) ? elementIn(place, (value as Marked)[PLACE]) : -1);
  const moved = new Set(sources.filter((from, i) => from !== i));
  for (let i = 0; i < length; i++) {
    const value = next[i];
    const from = sources[i]!;
    if (from >= 0 && from < before.length) moveElement(place, current, i, from, before, taken);
    else if (i >= current.length || differs(current[i], value)) {
      if (moved.has(i)) put(place.child(i), current, copyOfJSON(current[i])); // the one that was here is moved as it is
      assign(place.child(i), current, value, before);
    }
  }
  if (current.length > length) resize(place, length);
}

const elementIn = (list: Place, at: Place | undefined): number => at?.parent === list ? Number(at.key) : -1;

/** Without what is undefined at the end: an array is stored as far as it has elements. */
function lengthOf(list: readonly unknown[]): number {
  let { length } = list;
  while (length > 0 && list[length - 1] === undefined) length--;
  return length;
}

/**
 * Elements of the array itself, as filter and sort give them, are moved. A link to where one was would lead to what
 * has been put there, or to itself.
 */
function moveElement(place: Place, current: unknown[], to: number, from: number, before: unknown[], taken: Set<number>): void {
  const raw = before[from];
  if (taken.has(from)) put(place.child(to), current, isObject(raw) ? copyOfJSON(raw) : raw);
  else if (current[to] !== raw) put(place.child(to), current, raw);
  taken.add(from);
}

function assignFields(place: Place, current: Fields, next: Fields): void {
  const names = keys(next);
  for (let i = 0; i < names.length; i++) {
    const key = names[i]!;
    if (differs(current[key], next[key])) assign(place.child(key), current, next[key]);
  }
  const before = keys(current);
  for (let i = 0; i < before.length; i++) if (!(before[i]! in next)) put(place.child(before[i]!), current, undefined);
}

/** False only for equal primitives: these, the most, need no place made for them. */
function differs(current: unknown, next: unknown): boolean {
  return isObject(next) || isObject(current) || !is(current, next);
}

function put(place: Place, container: object, raw: unknown): void {
  refuseFrozen(place.doc);
  const fields = container as Fields;
  const key = keyOf(place);
  if (key === "__proto__") return; // it would be the prototype, not data
  if (isObject(fields[key])) place.doc.shape++;
  if (raw !== undefined) fields[key] = raw;
  else if (delete fields[key] && isArray(container)) container.length = lengthOf(container);
  place.doc.touch();
  changed(place);
}

function refuseFrozen(doc: Document): void { if (doc.frozen) throw new Error("Cell is read-only"); }

function linked(value: unknown): unknown {
  if (!isObject(value)) return value;
  return (value as Marked)[LINK] ?? ((value as Marked)[REF] === undefined ? value : null);
}

/** The place that, with an [ID], makes the identity of an object: of an array the array, not the position in it. */
function anchorOf(place: Place): Place {
  while (place.parent !== undefined && isArray(place.parent.raw())) place = place.parent;
  return place;
}

function isMarked(value: Marked): boolean { return value[ID] !== undefined || value[ID_FIELD] !== undefined; }

/** Writes an object with an [ID] or [ID_FIELD] into its own document and answers the link to it. */
function asEntity(value: Marked, anchor: Place, siblings?: readonly unknown[]): Link {
  const field = value[ID_FIELD];
  let id = value[ID];
  if (field !== undefined) {
    const sibling = siblings?.find((link) => isLink(link) && fieldOf(link, field) === value[field]);
    if (sibling !== undefined) {
      write(placeOf(sibling as Link), unmarked(value));
      return sibling as Link;
    }
    id ??= host.uuid();
  }
  const frame = topFrame();
  const doc = documentOf(entityId({ id }, { parent: { "/": anchor.doc.id }, path: anchor.path, context: frame?.cause }));
  if (!doc.loaded && (session.fresh || frame?.once)) doc.begin();
  doc.adopt(anchor.doc);
  write(doc.root, unmarked(value));
  return linkTo(doc.root);
}

function unmarked(value: Marked): Fields {
  const { [ID]: _id, [ID_FIELD]: _field, ...rest } = value;
  return rest;
}

function fieldOf(link: Link, field: string): unknown {
  resolve(placeOf(link).child(field));
  return found;
}

/** A copy of `value` as it may be stored at `place`: JSON only, with links for views, cells and entities. */
function copied(place: Place, anchor: Place, value: unknown, depth: number): unknown {
  let next = linked(value);
  if (!isObject(next)) return storable(next);
  if (isMarked(next)) next = asEntity(next, anchor);
  if (depth > deepest) throw new RangeError(`A value nested deeper than ${deepest} levels can't be stored`);
  if (isArray(next)) {
    const list: unknown[] = new Array(lengthOf(next));
    for (let i = 0; i < list.length; i++) {
      const item: unknown = next[i];
      list[i] = isObject(item) ? copied(place.child(i), anchor, item, depth + 1) : storable(item);
    }
    return list;
  }
  const out: Fields = {};
  const names = keys(next as Fields);
  for (let i = 0; i < names.length; i++) {
    const key = names[i]!;
    const field = (next as Fields)[key];
    const kid = isObject(field) ? place.child(key) : place;
    const raw = isObject(field) ? copied(kid, kid, field, depth + 1) : storable(field);
    if (raw !== undefined && key !== "__proto__") out[key] = raw;
  }
  return out;
}

/** A primitive as it may be stored: recipes become their graph, other functions and symbols vanish. */
function storable(value: unknown): unknown {
  if (typeof value === "function") {
    const { toJSON } = value as { toJSON?: () => unknown };
    return toJSON === undefined ? undefined : copyOfJSON(toJSON());
  }
  if (typeof value === "bigint") throw new TypeError("A BigInt can't be stored");
  return typeof value === "symbol" ? undefined : value;
}

function copyOfJSON(value: unknown): unknown { return parse(stringify(value)); }
