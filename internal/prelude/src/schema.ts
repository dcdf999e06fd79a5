// Reading through a JSON schema (runtime spec §3.7): listed properties become a plain copy, asCell members cells, and
// what the schema leaves open a view. Schemas are compiled once, to Plans, which are part of the frozen heap.

import { Cell, cellAt, Stream } from "./cell";
import { copyOf, defaultAt } from "./default";
import { type Document, documentOf, type Place } from "./document";
import { type Fields, isArray, isObject, keys, own } from "./host";
import { follow, found, isLink, isStream, placeOf, resolve, writeTarget } from "./link";
import type { Reads } from "./scheduler";
import { view } from "./view";

export interface Schema extends Fields {
  type?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  default?: unknown;
  $ref?: string;
}

export class Plan {
  kind: "view" | "object" | "array" | "choice" | "scalar" = "scalar";
  /** The value is handed out as a cell or a stream of `schema`. */
  readonly asCell: boolean;
  readonly schema: Schema | undefined;
  readonly default: unknown;
  /** Nothing below is a cell or a view: then reading needs no places, only stored values. */
  plain = false;
  /** A primitive that is stored is what is read. */
  asIs = false;
  /** An object of primitives. */
  flat = false;
  /** Of those that are guarded every object has one from its prototype. */
  readonly fields: { key: string; plan: Plan; guarded: boolean }[] = [];
  extra: Plan | undefined;
  items: Plan | undefined;
  options: Plan[] = [];

  constructor(schema: Schema, readonly root: Schema) {
    this.asCell = schema.asCell === true || schema.asStream === true;
    const { asCell: _cell, asStream: _stream, ...rest } = schema.$ref === "#" ? root : schema;
    // Where every alternative is a cell there is nothing to choose by: it is a cell of any of them.
    if (isArray(rest.anyOf) && rest.anyOf.length > 0 && rest.anyOf.every(({ asCell, asStream }) => asCell || asStream)) {
      this.asCell = true;
      rest.anyOf = rest.anyOf.map(({ asCell: _cell, asStream: _stream, ...option }) => option);
    }
    this.schema = keys(rest).length > 0 ? rest : undefined;
    this.default = rest.default;
  }
}

const plans = new WeakMap<Schema, Plan>();
const anything = planOf({});

export function planOf(schema: Schema, root: Schema = schema): Plan {
  if (!isObject(schema)) return anything;
  const known = plans.get(schema);
  if (known?.root === root) return known;
  const plan = new Plan(schema, root);
  plans.set(schema, plan);
  fill(plan, plan.schema ?? {}, root);
  return plan;
}

function fill(plan: Plan, { type, properties, additionalProperties: extra, items, anyOf }: Schema, root: Schema): void {
  const parts: Plan[] = [];
  const part = (schema: Schema): Plan => {
    const made = planOf(schema, root);
    parts.push(made);
    return made;
  };
  if (isArray(anyOf)) {
    plan.kind = "choice";
    plan.options = anyOf.map(part);
  } else if (type === "object" && (properties || extra)) {
    plan.kind = "object";
    for (const key of keys(properties ?? {})) plan.fields.push({ key, plan: part(properties![key]!), guarded: key in Object.prototype });
    if (extra) plan.extra = part(extra === true ? {} : extra);
  } else if (type === "array" && items !== undefined) {
    plan.kind = "array";
    plan.items = part(items);
  } else if (type === undefined || type === "object" || type === "array") plan.kind = "view";
  if (plan.asCell && plan.schema !== undefined) planOf(plan.schema, root);
  plan.asIs = !plan.asCell && (plan.kind === "scalar" || plan.kind === "view");
  plan.flat = plan.kind === "object" && plan.extra === undefined && parts.every((made) => made.asIs);
  plan.plain = plan.kind !== "view" && !plan.asCell && parts.every((made) => made.plain);
}

export function read(place: Place, plan: Plan, reads?: Reads): unknown {
  if (plan.asCell) return cellOf(place, plan, reads);
  if (plan.kind === "view" && plan.default === undefined) return view(place, reads);
  const at = resolve(place, reads);
  const raw = found;
  reads?.add(at);
  return shaped(at.doc, at, raw, plan, reads);
}

/** A cell for `place`, based where aliases and the first link lead to, so that it stays with that document. */
function cellOf(place: Place, { schema, root }: Plan, reads?: Reads): Cell | Stream {
  const at = writeTarget(place);
  const raw = found;
  if (!isLink(raw)) return isStream(raw) ? new Stream(at) : new Cell(at, schema, root, reads);
  reads?.add(at);
  return cellAt(placeOf(raw), schema, root, reads);
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
    const copy = read(doc.root, plan, reads) as Fields;
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
    const all = () => items.flatMap(({ schema = {} }) => schema.anyOf ?? schema);
    const part = fitting.length === 1 ? items[0]! : planOf({ anyOf: all() }, plan.root);
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

/** The schema of a part, where the schema of the whole says something about it. */
export function schemaAt(schema: Schema | undefined, key: string | number, root = schema): Schema | undefined {
  const whole = schema?.$ref === "#" ? root : schema;
  if (whole === undefined) return undefined;
  const extra = isObject(whole.additionalProperties) ? whole.additionalProperties as Schema : undefined;
  return own(whole.properties ?? {}, String(key)) as Schema ?? (whole.type === "array" ? whole.items : extra);
}
