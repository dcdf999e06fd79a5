// Cells and streams, as recipes get them for asCell and asStream members (runtime spec §3.8).

import type { Place, Reads } from "../documents/document";
import { anchor, found, isAlias, isLink, isStream, type Link, linkTo, placeOf, resolve, writeTarget } from "../documents/link";
import { type Fields, isArray, isObject, type Key, keys, stringify } from "../host/host";
import { meetOutside } from "../host/outside";
import { isAsleep, startRows } from "../schedule/rows";
import { Action, deliver, type EventHandler, schedule } from "../schedule/scheduler";
import { topFrame } from "./frame";
import { makeCellsBy } from "./make";
import { read } from "./read";
import { planOf, type Schema, schemaAt } from "./schema";
import { session } from "./session";
import { ID, LINK, PLACE, REF } from "./symbols";
import { view } from "./view";
import { append, write } from "./write";

/** A stream if one is stored there, else a cell. */
export function cellAt(place: Place, schema?: Schema, root: Schema | undefined = schema, reads?: Reads): Cell | Stream {
  return isStreamAt(place) ? new Stream(place) : new Cell(place, schema, root, reads);
}

// A document that nobody has read yet is not fetched to find out: streams are in documents of running instances.
function isStreamAt(place: Place): boolean {
  if (!place.doc.loaded && !isAsleep(place.doc)) return false;
  resolve(place);
  return isStream(found);
}

/** Queues `event` for every handler of the stream at `place`. Answers whether there was one. */
export function sendEvent(place: Place, event: unknown): boolean {
  const at = resolve(place);
  if (at.handlers === undefined) startRows(at.doc);
  const handlers = at.handlers ?? [];
  for (const handler of handlers) deliver(handler, event);
  meetOutside();
  return handlers.length > 0;
}

abstract class Located {
  constructor(readonly place: Place) {}

  get [PLACE](): Place { return this.place; }
  get [LINK](): Link { return { space: session.space, ...linkTo(this.place) }; }
  get cellLink(): Link { return this[LINK]; }
  get entityId(): { "/": string } { return { "/": this.place.doc.id }; }
  getAsCellLink(): Link { return this[LINK]; }
  toJSON(): Link { return linkTo(this.place); }
}

export class Stream extends Located {
  send(event: unknown): void { sendEvent(this.place, event); }

  sink(callback: (event: unknown) => unknown): () => void {
    const at = resolve(this.place);
    const handler: EventHandler = { kind: "handler", code: callback, label: "sink", handle: callback };
    (at.handlers ??= []).push(handler);
    return () => void (at.handlers = at.handlers?.filter((other) => other !== handler));
  }
}

export class Cell extends Located {
  constructor(
    place: Place,
    readonly schema: Schema | undefined,
    readonly rootSchema: Schema | undefined,
    private readonly reads: Reads | undefined,
  ) {
    super(place);
  }

  get value(): unknown { return this.get(); }

  get(): unknown {
    const schema = this.schema ?? aliasSchema(this.place);
    if (schema === undefined) return view(this.place, this.reads);
    return read(this.place, planOf(schema, this.rootSchema ?? schema), this.reads);
  }

  set(value: unknown): void {
    meetOutside();
    if (isStreamAt(this.place)) sendEvent(this.place, value);
    else write(this.place, value);
  }

  send(value: unknown): void { this.set(value); }

  update(values: unknown): void {
    if (!isObject(values)) throw new Error("Can't update with non-object value");
    meetOutside();
    for (const key of keys(values)) write(this.place.child(key), values[key]);
  }

  push(...values: unknown[]): void {
    meetOutside();
    const at = resolve(this.place);
    if (found === undefined) write(at, isArray(this.schema?.default) ? this.schema.default : []);
    else if (!isArray(found)) throw new Error("Can't push into non-array value");
    const frame = topFrame();
    // Inside a handler or a lift a plain object becomes a document of its own.
    append(at, values.map((value) => frame !== undefined && isBare(value) ? { ...value, [ID]: frame.nextId() } : value));
  }

  key(key: Key): Cell | Stream {
    return cellAt(this.place.child(key), schemaAt(this.schema, key, this.rootSchema), this.rootSchema, this.reads);
  }

  equals(other: unknown): boolean { return stringify(this) === stringify(other); }
  withLog(reads: Reads): Cell { return new Cell(this.place, this.schema, this.rootSchema, reads); }
  getAsQueryResult(path: Key[] = [], reads = this.reads): unknown { return view(this.place.at(path), reads); }

  asSchema(schema?: Schema, root: Schema | undefined = schema): Cell {
    return new Cell(this.place, schema, root, this.reads);
  }

  /** Calls back now and whenever something that the callback's value is made of has changed. */
  sink(callback: (value: unknown) => unknown): () => void {
    const action = new Action({ kind: "lift", code: callback, label: "sink" }, [], (reads) => {
      callback(this.withLog(reads).get());
    });
    schedule(action);
    return () => action.stop();
  }

  getSourceCell(schema?: Schema): Cell | Stream | undefined {
    const { doc } = this.place;
    doc.read();
    return doc.source && cellAt(doc.source.root, schema);
  }
}

// The schema that an alias carries counts where the reader has none of its own.
function aliasSchema(place: Place): Schema | undefined {
  const raw = anchor(place).raw();
  return isAlias(raw) ? raw.$alias.schema as Schema | undefined : undefined;
}

function isBare(value: unknown): value is Fields {
  if (!isObject(value) || isArray(value)) return false;
  const marks = value as { [ID]?: unknown; [LINK]?: unknown; [REF]?: unknown };
  return marks[ID] === undefined && marks[LINK] === undefined && marks[REF] === undefined;
}

// A cell is based where aliases and the first link lead to, so that it stays with that document.
makeCellsBy((place, { schema, root }, reads) => {
  const at = writeTarget(place);
  const raw = found;
  if (!isLink(raw)) return isStream(raw) ? new Stream(at) : new Cell(at, schema, root, reads);
  reads?.add(at);
  return cellAt(placeOf(raw), schema, root, reads);
}, (place, schema, root, reads) => new Cell(place, schema, root, reads));
