// Documents and places. A Document is one stored JSON document, fetched from the host when it is first read. A Place is
// a path inside one; places are interned, so that a place is an identity: what stands above
// keeps on it who reads it and who handles its events, and a change finds those without comparing paths.

import { host, isObject, type Key, parse, writeOut } from "../host/host";
import { type EntityId, newId } from "./entity";

export class Place {
  kids: Map<string, Place> | undefined;
  /** Whether this run has changed what is stored below here, or here. */
  changed: "" | "below" | "here" = "";
  /** The last reads that this place was added to. */
  readIn: Reads | undefined;

  constructor(readonly doc: Document, readonly parent: Place | undefined, readonly key: Key) {}

  child(key: Key): Place {
    const name = typeof key === "string" ? key : String(key);
    const kids = this.kids ??= new Map<string, Place>();
    let kid = kids.get(name);
    if (kid === undefined) kids.set(name, kid = new Place(this.doc, this, key));
    return kid;
  }

  at(path: readonly Key[]): Place {
    let place: Place = this;
    for (let i = 0; i < path.length; i++) place = place.child(path[i]!);
    return place;
  }

  get path(): Key[] {
    const path: Key[] = [];
    for (let place: Place = this; place.parent !== undefined; place = place.parent) path.push(place.key);
    return path.reverse();
  }

  /** The value stored here as it is, links not followed; undefined when the path leads through a non-object. */
  raw(): unknown {
    if (this.parent === undefined) return this.doc.read();
    const container = this.parent.raw();
    return isObject(container) ? container[this.key] : undefined;
  }
}

/** The places that one run of an action read. */
export class Reads {
  readonly places: Place[] = [];

  add(place: Place): void {
    if (place.readIn === this) return;
    place.readIn = this;
    this.places.push(place);
  }
}

export class Document {
  readonly root: Place = new Place(this, undefined, "");
  /** The stored value; only read() may look at it before the document is loaded. */
  value: unknown;
  source: Document | undefined;
  dirty = false;
  frozen = false;
  /** Grows whenever an object or array of this document is replaced, so that views know that theirs may be gone. */
  shape = 0;
  /** Grows with every change. */
  version = 0;
  /** Whether the host was asked for the stored document, or need not be. */
  loaded = false;
  /** Whether there is a stored document. Its text is not kept: of a long list that would be half of the memory. */
  stored = false;

  constructor(private name: EntityId | (() => EntityId)) {}

  /** Ids cost a hash, and most temporary documents are never linked to: so they are made when asked for. */
  get id(): EntityId {
    if (typeof this.name === "function") documents.set(this.name = this.name(), this);
    return this.name;
  }

  read(): unknown {
    if (this.loaded) return this.value;
    const text = host.doc(this.id);
    this.loaded = true;
    if (text === "") return undefined;
    this.stored = true;
    const { value, source } = parse(text) as { value?: unknown; source?: { "/": EntityId } };
    if (source !== undefined) this.source = documentOf(source["/"]);
    return this.value = value;
  }

  /** Makes this a new document, without asking the host for a stored one. */
  begin(value?: unknown): this {
    this.loaded = true;
    this.value = value;
    return this;
  }

  /** Gives the source document to a document that has none. */
  adopt(source: Document): void {
    this.read();
    if (this.source !== undefined) return;
    this.source = source;
    this.touch();
  }

  /** Notes that the document differs from what is stored. */
  touch(): void {
    this.dirty = true;
    this.version++;
  }

  /** Hands the document to the host unless its text is what is stored already. Answers whether it was handed over. */
  save(): boolean {
    const text = writeOut({ value: this.value, source: this.source && { "/": this.source.id } });
    if (this.stored && text === host.doc(this.id)) return false;
    host.put(this.id, text);
    this.stored = true;
    return true;
  }
}

export const documents = new Map<EntityId, Document>();

export function documentOf(id: EntityId): Document {
  let doc = documents.get(id);
  if (doc === undefined) documents.set(id, doc = new Document(id));
  return doc;
}

/** A document of this run alone: it is stored only if a stored document comes to link to it. */
export function temporary(value: unknown, id = newId): Document { return new Document(id).begin(value); }
