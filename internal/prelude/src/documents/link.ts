// Links and aliases between documents in their stored form, and the following of them. A link points at a value; an
// alias stands for it: what is written to an alias is written to its target.

import { type Fields, isArray, isObject, type Key } from "../host/host";
import { type Document, documentOf, type Place, type Reads } from "./document";
import type { EntityId } from "./entity";

export type Link = { space?: string; cell: { "/": EntityId }; path: Key[] };
export type AliasTarget = { path: Key[]; schema?: unknown; rootSchema?: unknown; cell?: { "/": EntityId } };
export type Alias = { $alias: AliasTarget };

const longestChain = 100;

export function linkTo(place: Place): Link { return { cell: { "/": place.doc.id }, path: place.path }; }

export function isLink(value: unknown): value is Link {
  return isObject(value) && isObject(value.cell) && typeof value.cell["/"] === "string" && isArray(value.path);
}

export function isAlias(value: unknown): value is Alias { return isObject(value) && isObject(value.$alias); }
export function placeOf(link: Link): Place { return documentOf(link.cell["/"]).root.at(link.path); }

export function sameLink(a: Link, b: Link): boolean {
  if (a.cell["/"] !== b.cell["/"] || a.path.length !== b.path.length) return false;
  for (let i = 0; i < a.path.length; i++) if (String(a.path[i]) !== String(b.path[i])) return false;
  return true;
}

export function isStream(value: unknown): boolean { return isObject(value) && value.$stream === true; }

export function aliasTarget(doc: Document, alias: AliasTarget): Place {
  return (alias.cell === undefined ? doc : documentOf(alias.cell["/"])).root.at(alias.path);
}

export function follow(doc: Document, value: Fields): Place | undefined {
  if (value.cell !== undefined && isLink(value)) return placeOf(value);
  return value.$alias !== undefined && isAlias(value) ? aliasTarget(doc, value.$alias) : undefined;
}

/** What is stored at the place that resolve() answered last: callers need both, and a pair would cost an object. */
export let found: unknown;

/** The place that a value really is at: every link and alias on the way to it and at it followed. */
export function resolve(place: Place, reads?: Reads, hops?: number): Place {
  // Everything goes through here: so there are no calls for what an operator answers, and no default for a parameter.
  const { parent, doc } = place;
  if (parent === undefined) found = doc.loaded ? doc.value : doc.read();
  else {
    const at = resolve(parent, reads, hops);
    if (at !== parent) place = at.child(place.key);
    found = typeof found === "object" && found !== null ? (found as Fields)[place.key] : undefined;
  }
  if (typeof found !== "object" || found === null) return place;
  const { cell, $alias } = found as Fields;
  if (cell === undefined && $alias === undefined) return place;
  const next = cell === undefined && typeof $alias === "object" && $alias !== null
    ? aliasTarget(place.doc, $alias as AliasTarget)
    : follow(place.doc, found as Fields);
  if (next === undefined) return place;
  if (hops === longestChain) throw cycle(found, place);
  reads?.add(place);
  return resolve(next, reads, (hops ?? 0) + 1);
}

/** The place with links and aliases followed on the way to it, but not what is stored at it. */
export function anchor(place: Place, reads?: Reads): Place {
  if (place.parent === undefined) return place;
  const parent = resolve(place.parent, reads);
  return parent === place.parent ? place : parent.child(place.key);
}

/**
 * The place that a write to `place` changes: an alias there is followed, a link is what gets overwritten. What is stored
 * there is in `found` afterwards.
 */
export function writeTarget(place: Place): Place {
  for (let hops = 0; hops <= longestChain; hops++) {
    place = anchor(place);
    found = place.parent === undefined ? place.doc.read() : isObject(found) ? found[place.key] : undefined;
    if (!isAlias(found)) return place;
    place = aliasTarget(place.doc, found.$alias);
  }
  throw cycle(place.raw(), place);
}

function cycle(value: unknown, place: Place): Error {
  return new Error(`${isAlias(value) ? "Alias" : "Reference"} cycle detected at ${place.doc.id}/${place.path.join("/")}`);
}
