// Opaque refs: what recipe code holds instead of values while the graph is built (runtime spec §2.1). Reading a
// property gives the ref of that part; the refs remember which nodes they feed, which is how the graph is found.

import { type Node, Root, topFrame } from "../cells/frame";
import { type Schema, schemaAt } from "../cells/schema";
import { PLACE, REF } from "../cells/symbols";
import { view } from "../cells/view";
import type { Place } from "../documents/document";
import { type Fields, isObject, type Key } from "../host/host";

export type OpaqueRef = any;

export class Ref implements ProxyHandler<object> {
  constructor(readonly root: Root, readonly path: readonly Key[], readonly schema: Schema | undefined) {}

  child(key: Key): Ref { return new Ref(this.root, [...this.path, key], schemaAt(this.schema, key, this.root.schema)); }

  get(_target: object, key: string | symbol): unknown {
    if (key === REF) return this;
    if (key === Symbol.iterator) return () => this.elements();
    if (key === Symbol.toPrimitive) return () => this.materialize();
    if (typeof key === "symbol") return undefined;
    const method = methods[key];
    return opaqueRef(this.child(key), method && ((...args: unknown[]) => method(this, ...args)));
  }

  set(_target: object, key: string | symbol, value: unknown): boolean {
    assignValue(this, { [key]: value });
    return true;
  }

  /** The value at run time, in a function that captured the ref (runtime spec §2.4, closures). */
  materialize(): unknown {
    const frame = topFrame();
    const place = frame?.scope?.placeOf(this.root, this.path);
    if (place === undefined) throw new Error("Can't read value during recipe creation.");
    return view(place, frame?.reads);
  }

  // Destructuring asks for as many as it has names; a loop over all would never end.
  private *elements(): Generator<OpaqueRef> {
    for (let i = 0; i < mostElements; i++) yield opaqueRef(new Ref(this.root, [...this.path, i], undefined));
    throw new Error("Can't use iterator over an opaque value in an unlimited loop.");
  }
}

const mostElements = 50;

export const methods: Record<string, (ref: Ref, ...args: any[]) => unknown> = Object.assign(Object.create(null), {
  get: (ref: Ref) => ref.materialize(),
  set: (ref: Ref, value: unknown) => assignValue(ref, value),
  key: (ref: Ref, key: Key) => opaqueRef(ref.child(key)),
  setDefault: (ref: Ref, value: unknown) => {
    const { root, path } = ref;
    if (valueAt(root.defaults, path) === undefined) root.defaults = withValue(root.defaults, path, value);
  },
  setName: (ref: Ref, name: string) => void (ref.root.name = name),
  setPreExisting: (ref: Ref, value: { [PLACE]?: Place }) => void (ref.root.existing = value[PLACE]),
  connect: (ref: Ref, node: Node) => void ref.root.nodes.add(node),
  export: (ref: Ref) => ({ path: ref.path, value: ref.root.value, name: ref.root.name, nodes: ref.root.nodes }),
  toJSON: () => null,
});

export function opaqueRef(ref: Ref, target: object = {}): OpaqueRef { return new Proxy(target, ref); }

/** A new cell in the graph of the code that is running. */
export function newOpaqueRef(value?: unknown, schema?: Schema): OpaqueRef {
  const frame = topFrame();
  if (frame === undefined) throw new Error("Cells can only be made inside a recipe, a lift or a handler.");
  const root = new Root(frame, value, schema);
  frame.roots.push(root);
  return opaqueRef(new Ref(root, [], schema));
}

export function refOf(value: unknown): Ref | undefined {
  return typeof value === "function" || isObject(value) ? (value as { [REF]?: Ref })[REF] : undefined;
}

// A ref of a finished recipe has no pending value any more: then writing does nothing.
function assignValue(ref: Ref, value: unknown): void {
  if (ref.root.owner === undefined) ref.root.value = withValue(ref.root.value, ref.path, value);
}

export function valueAt(value: unknown, path: readonly Key[]): unknown {
  for (const key of path) value = isObject(value) ? value[key] : undefined;
  return value;
}

/** `value` with `part` at `path`, the containers on the way made as needed. */
export function withValue(value: unknown, path: readonly Key[], part: unknown): unknown {
  if (path.length === 0) return part;
  const [key, ...rest] = path as [Key, ...Key[]];
  const whole = (isObject(value) ? value : typeof key === "number" ? [] : {}) as Fields;
  whole[key] = withValue(whole[key], rest, part);
  return whole;
}
