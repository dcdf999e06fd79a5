// Reading through a JSON schema (runtime spec §3.7): listed properties become a plain copy, asCell members cells, and
// what the schema leaves open a view.

import { type Document, documentOf, type Place, type Reads } from "../documents/document";
import { follow, found, isLink, resolve } from "../documents/link";
import { type Fields, isArray, isObject, keys, own } from "../host/host";
import { defaultAt } from "./default";
import { cellOf } from "./make";
import { copyOf, type Plan, planOf, type Schema } from "./schema";
import { view } from "./view";

declare module "../documents/document" {
  /** What the document last looked like through a schema. */
  interface Document { seen: { plan: Plan; version: number; copy: Fields } | undefined }
}

export function read(place: Place, plan: Plan, reads?: Reads): unknown {
  if (plan.asCell) return cellOf(place, plan, reads);
  if (plan.kind === "view" && plan.default === undefined) return view(place, reads);
  const at = resolve(place, reads);
  const raw = found;
  reads?.add(at);
  return shaped(at.doc, at, raw, plan, reads);
}

// `place` is where `raw` is stored in `doc`; it may be missing if the plan is plain.
function shaped(doc: Document, place: Place | undefined, raw: unknown, plan: Plan, reads?: Reads): unknown {
  if (raw === undefined && plan.default !== undefined) return defaultAt(place, plan, plan.default, reads);
  switch (plan.kind) {
    case "view": return view(place!, reads);
    case "object": return shapedObject(doc, place, isArray(raw) ? { ...raw } : isObject(raw) ? raw : {}, plan, reads);
    case "array": return isArray(raw) ? shapedList(doc, place, raw, plan.items!, reads) : [];
    case "choice": return chosen(doc, place, raw, plan, reads);
    case "scalar": return copyOf(raw);
  }
}

function member(doc: Document, place: Place | undefined, raw: unknown, plan: Plan, reads?: Reads): unknown {
  if (plan.asCell) return read(place!, plan, reads);
  if (typeof raw !== "object" || raw === null) return plan.asIs ? raw : shaped(doc, place, raw, plan, reads);
  if (plan.flat && isLink(raw) && raw.path.length === 0) return snapshot(documentOf(raw.cell["/"]), plan, reads);
  const next = follow(doc, raw as Fields);
  return next === undefined ? shaped(doc, place, raw, plan, reads) : read(next, plan, reads);
}

/** A linked object of primitives: handlers ask for whole lists of these again and again, and get fresh copies. */
function snapshot(doc: Document, plan: Plan, reads?: Reads): unknown {
  const { seen } = doc;
  if (seen === undefined || seen.plan !== plan || seen.version !== doc.version) {
    const copy = read(doc.root, plan, reads);
    if (!isObject(copy)) return copy; // a default
    const at = resolve(doc.root);
    if (at === doc.root && !keys(copy).some((key) => isObject(copy[key]))) doc.seen = { plan, version: doc.version, copy };
    return { ...copy };
  }
  reads?.add(doc.root);
  return { ...seen.copy };
}

function shapedObject(doc: Document, place: Place | undefined, raw: Fields, plan: Plan, reads?: Reads): Fields {
  const out: Fields = {};
  const { fields } = plan;
  for (let i = 0; i < fields.length; i++) {
    const { key, plan: part, guarded } = fields[i]!;
    const value = guarded ? own(raw, key) : raw[key];
    if (value === undefined && !part.asCell) {
      if (part.default !== undefined) out[key] = defaultAt(part.plain ? undefined : place!.child(key), part, part.default, reads);
    } else if (part.asIs && (typeof value !== "object" || value === null)) out[key] = value;
    else out[key] = member(doc, part.plain ? undefined : place!.child(key), value, part, reads);
  }
  if (plan.extra !== undefined) {
    for (const key of keys(raw)) {
      if (plan.fields.some((field) => field.key === key)) continue;
      out[key] = member(doc, plan.extra.plain ? undefined : place!.child(key), raw[key], plan.extra, reads);
    }
  }
  return out;
}

/** The documents that a stored list's links lead to: handlers read whole lists again and again. */
const targets = new WeakMap<unknown[], { links: unknown[]; docs: (Document | undefined)[] }>();

function shapedList(doc: Document, place: Place | undefined, raw: unknown[], items: Plan, reads?: Reads): unknown[] {
  const out: unknown[] = new Array(raw.length);
  const flat = items.flat && !items.asCell;
  let known = flat ? targets.get(raw) : undefined;
  if (flat && known === undefined) targets.set(raw, known = { links: [], docs: [] });
  for (let i = 0; i < raw.length; i++) {
    const item = raw[i];
    if (known !== undefined && typeof item === "object") {
      if (known.links[i] !== item) {
        known.links[i] = item;
        known.docs[i] = isLink(item) && item.path.length === 0 ? documentOf(item.cell["/"]) : undefined;
      }
      const target = known.docs[i];
      if (target !== undefined) {
        // What snapshot() does where nothing has changed, without a call for every row.
        const { seen } = target;
        if (seen === undefined || seen.plan !== items || seen.version !== target.version) out[i] = snapshot(target, items, reads);
        else {
          reads?.add(target.root);
          out[i] = { ...seen.copy };
        }
        continue;
      }
    }
    out[i] = member(doc, items.plain ? undefined : place!.child(i), item, items, reads);
  }
  return out;
}

/** anyOf: arrays take the array options, objects the union of the object options, scalars the option of their type. */
function chosen(doc: Document, place: Place | undefined, raw: unknown, plan: Plan, reads?: Reads): unknown {
  if (raw === null || raw === undefined) return undefined;
  const fitting = plan.options.filter((option) => fits(option, raw));
  if (fitting.length === 0) return undefined;
  const cell = fitting.find((option) => option.asCell);
  if (cell !== undefined) return read(place!, cell, reads);
  if (isArray(raw)) {
    const items = fitting.flatMap((option) => option.items ?? []);
    if (items.length === 0) return view(place!, reads);
    const every = (): Schema[] => items.flatMap(({ schema = {}, asCell }) => (
      (schema.anyOf ?? [schema]).map((option) => asCell ? { ...option, asCell } : option)
    ));
    const part = fitting.length === 1 ? items[0]! : planOf({ anyOf: every() }, plan.root);
    return shapedList(doc, place, raw, part, reads);
  }
  const open = fitting.find((option) => option.kind !== "object");
  if (open !== undefined) return shaped(doc, place, raw, open, reads);
  return Object.assign({}, ...fitting.map((option) => shaped(doc, place, raw, option, reads)));
}

function fits(option: Plan, raw: unknown): boolean {
  const type = option.schema?.type;
  if (isArray(raw)) return type === "array";
  if (option.asCell && type === undefined) return true;
  // An object of which nothing more is said is as good as no schema.
  if (isObject(raw)) return type === "object" && (option.asCell || option.kind === "object");
  return type === typeof raw || type === "integer" && typeof raw === "number";
}
