// Documents and places. A Document is one stored JSON document, fetched from the host when it is first read. A Place is
// a path inside one; places are interned, so that a place is an identity: who reads it and who handles its events are
// kept on it, and a change finds those above and below it without comparing paths.

import { type EntityId, newId } from "./entity";
import { host, isObject, type Key, parse, stringify } from "./host";
import type { Action, EventHandler, Reads } from "./scheduler";

export class Place {
  kids: Map<string, Place> | undefined;
  readers: Action[] | undefined;
  handlers: EventHandler[] | undefined;
  /** The last reads that this place was added to. */
  readIn: Reads | undefined;

  constructor(readonly doc: Document, readonly parent: Place | undefined, readonly key: Key) {}

  child(key: Key): Place {
    const name = typeof key === "string" ? key : String(key);
    if (this.kids === undefined) this.kids = new Map();
    let kid = this.kids.get(name);
    if (kid === undefined) this.kids.set(name, kid = new Place(this.doc, this, key));
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

export class Document {
  readonly root: Place = new Place(this, undefined, "");
  /** The stored value; only read() may look at it before the document is loaded. */
  value: unknown;
  source: Document | undefined;
  dirty = false;
  frozen = false;
  /** Grows whenever an object or array of this document is replaced, so that views know that theirs may be gone. */
  shape = 0;
  private _id: EntityId | undefined;
  private _cause: (() => EntityId) | undefined;
  private _text: string | undefined;

  constructor(id: EntityId | (() => EntityId)) {
    if (typeof id === "string") this._id = id;
    else this._cause = id;
  }

  /** Ids cost a hash, and most temporary documents are never linked to: so they are made when asked for. */
  get id(): EntityId {
    if (this._id === undefined) {
      this._id = this._cause!();
      documents.set(this._id, this);
    }
    return this._id;
  }

  get loaded(): boolean {
    return this._text !== undefined;
  }

  /** True when the document, already loaded, has a stored form. */
  get stored(): boolean {
    return this._text !== undefined && this._text !== "";
  }

  read(): unknown {
    if (this._text === undefined) this._load();
    return this.value;
  }

  /** Makes this a new document, without asking the host for a stored one. */
  begin(value: unknown, source?: Document): this {
    this._text = "";
    this.value = value;
    this.source = source;
    return this;
  }

  /** Gives the source document to a document that has none. */
  adopt(source: Document): void {
    this.read();
    if (this.source !== undefined) return;
    this.source = source;
    this.dirty = true;
  }

  /** Hands the document to the host unless its text is what is stored already. Answers whether it was handed over. */
  save(): boolean {
    const text = stringify({ value: this.value, source: this.source && { "/": this.source.id } });
    if (text === this._text) return false;
    host.put(this.id, this._text = text);
    return true;
  }

  private _load(): void {
    this._text = host.doc(this.id);
    if (this._text === "") return;
    const form = parse(this._text) as { value?: unknown; source?: { "/": EntityId } };
    this.value = form.value;
    if (isObject(form.source)) this.source = documentOf(form.source["/"]);
  }
}

export const documents = new Map<EntityId, Document>();

export function documentOf(id: EntityId): Document {
  let doc = documents.get(id);
  if (doc === undefined) documents.set(id, doc = new Document(id));
  return doc;
}

/** A document of this run alone: it is stored only if a stored document comes to link to it. */
export function temporary(value: unknown, id: () => EntityId = newId): Document {
  return new Document(id).begin(value);
}
