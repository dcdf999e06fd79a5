// Views: live objects over stored data, which follow links, note what is read and write what is assigned (runtime spec
// §3.7). A view is a Proxy over the stored object itself, so that keys, `in` and Array.isArray cost nothing extra.

import type { Place, Reads } from "../documents/document";
import { found, isAlias, isLink, resolve } from "../documents/link";
import { type Fields, isArray, isObject, type Key } from "../host/host";
import { meetOutside } from "../host/outside";
import { arrayMethods } from "./array";
import { LINK, PLACE } from "./symbols";
import { resize, write } from "./write";

/** The value at `place`: primitives as they are, objects and arrays as views. */
export function view(place: Place, reads?: Reads): unknown {
  const at = resolve(place, reads);
  const raw = found;
  reads?.add(at);
  return isObject(raw) ? new Proxy(raw, new View(at, reads, at.doc.shape)) : raw;
}

class View implements ProxyHandler<Fields> {
  constructor(
    readonly place: Place,
    readonly reads: Reads | undefined,
    private readonly shape: number,
    private readonly from?: View,
    private readonly key: Key = "",
  ) {}

  /** As the reader took it: an index is a number or a text, and links to the value keep that. */
  private get path(): Key[] { return this.from === undefined ? this.place.path : [...this.from.path, this.key]; }

  get(target: Fields, key: string | symbol, receiver: unknown): unknown {
    if (typeof key === "symbol") return this.symbol(target, key, receiver);
    const raw = this.raw(target);
    const value = raw[key];
    if (typeof value !== "function") return this.shown(value, key);
    return isArray(raw) ? arrayMethods.get(key)?.(this, raw) ?? value : value;
  }

  set(_target: Fields, key: string | symbol, value: unknown): boolean {
    // Marks like [ID] are for new objects: what is stored has its identity already.
    if (typeof key === "symbol") return true;
    meetOutside();
    if (key === "length" && isArray(this.place.raw())) resize(this.place, Number(value));
    else write(this.place.child(key), value);
    return true;
  }

  deleteProperty(_target: Fields, key: string | symbol): boolean {
    meetOutside();
    if (typeof key === "string") write(this.place.child(key), undefined);
    return true;
  }

  field(raw: Fields, key: Key): unknown { return this.shown(raw[key], key); }
  another(place: Place, reads?: Reads): unknown { return view(place, reads); }

  // An object inside this one's document is noted as read with this one: only links and aliases lead elsewhere.
  private shown(value: unknown, key: Key): unknown {
    if (!isObject(value)) return value;
    if (isAlias(value) || isLink(value)) return view(this.place.child(key), this.reads);
    return new Proxy(value, new View(this.place.child(key), this.reads, this.place.doc.shape, this, key));
  }

  /** The stored object; usually the one that the proxy was made for, unless something has replaced it since. */
  private raw(target: Fields): Fields {
    if (this.shape === this.place.doc.shape) return target;
    resolve(this.place, this.reads);
    return isObject(found) ? found : {};
  }

  private symbol(target: Fields, key: symbol, receiver: unknown): unknown {
    if (key === PLACE) return this.place;
    if (key === LINK) return { cell: { "/": this.place.doc.id }, path: this.path };
    return Reflect.get(this.raw(target), key, receiver);
  }
}
