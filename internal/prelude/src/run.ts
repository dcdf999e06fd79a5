// Instances: a graph is run on a result document and a process document, which are made or taken up again; then every
// node of the graph becomes an action, a handler or an instance of its own (runtime spec §3.3).

import { builtins } from "./builtin";
import { instantiateCode } from "./code";
import { type Document, documentOf, type Place } from "./document";
import { entityId } from "./entity";
import { Alias, type Graph, type GraphNode, graphOf } from "./graph";
import { type Fields, is, isArray, isObject, type Key, keys, own } from "./host";
import { found, isAlias, isLink, linkTo, placeOf, resolve } from "./link";
import type { Root } from "./opaque";
import { type Action, type EventHandler, Reads } from "./scheduler";
import { drop, type Rows } from "./rows";
import { session } from "./session";
import { replace, write } from "./write";

/** One running instance of a graph. */
export class Scope {
  readonly actions: Action[] = [];
  private readonly streams: { place: Place; handler: EventHandler }[] = [];
  readonly inner: Scope[] = [];
  readonly maps: Rows[] = [];
  /** The documents that this instance consists of. */
  readonly own: Document[];

  constructor(readonly graph: Graph, readonly process: Document, result: Document, readonly parent: Scope | undefined) {
    this.own = [process, result];
    parent?.inner.push(this);
  }

  /** Where a captured cell is stored, if it belongs to this instance or one around it. */
  placeOf(root: Root, path: readonly Key[]): Place | undefined {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent) {
      if (scope.graph === root.owner) return scope.process.root.at(root.path).at(path);
    }
    return undefined;
  }

  place(alias: Alias): Place {
    if (alias.place !== undefined) return alias.place;
    let scope: Scope = this;
    for (let i = 0; i < alias.depth; i++) scope = scope.parent!;
    return scope.process.root.at(alias.path);
  }

  /** A part of the graph with its aliases bound to this instance: the form in which it is stored. */
  bind(tree: unknown): unknown {
    if (tree instanceof Alias) return { $alias: tree.target({ "/": this.place(tree).doc.id }) };
    if (!isObject(tree)) return tree;
    if (isArray(tree)) {
      const list = new Array<unknown>(tree.length);
      for (let i = 0; i < tree.length; i++) list[i] = this.bind(tree[i]);
      return list;
    }
    const out: Fields = {};
    const names = keys(tree);
    for (let i = 0; i < names.length; i++) {
      const key = names[i]!;
      const field = tree[key];
      if (field !== undefined) out[key] = typeof field === "object" ? this.bind(field) : field;
    }
    return out;
  }

  /** What an action that was not run yet is assumed to read: whatever its inputs lead to. */
  readsOf(aliases: readonly Alias[]): Reads {
    const reads = new Reads();
    for (const alias of aliases) reads.add(resolve(this.place(alias)));
    return reads;
  }

  add(action: Action): void { this.actions.push(action); }

  listen(place: Place, handler: EventHandler): void {
    (place.handlers ??= []).push(handler);
    this.streams.push({ place, handler });
  }

  /** Writes what a node put out to where its outputs are bound. */
  output(binding: unknown, value: unknown): void {
    if (binding instanceof Alias) write(this.place(binding), value);
    else if (isObject(binding)) {
      const fields = isObject(value) ? value : {};
      for (const key of keys(binding)) if (key in fields) this.output((binding as Fields)[key], fields[key]);
    } else if (!is(binding, value)) throw new Error(`Got ${value} instead of ${binding}`);
  }

  stop(): void {
    for (const action of this.actions) action.stop();
    for (const { place, handler } of this.streams) place.handlers = place.handlers?.filter((other) => other !== handler);
    for (const scope of this.inner) scope.stop();
    drop(this.maps);
    instances.delete(this.process);
  }
}

const instances = new Map<Document, Scope>();

/** A document of the run that may have been stored by an earlier one. */
export function ownDocument(source: object, cause: unknown): Document {
  const doc = documentOf(entityId(source, cause));
  if (session.fresh && !doc.loaded) doc.begin();
  return doc;
}

/** Runs `graph` on `result`; the argument counts only for an instance that has none yet. */
export function run(graph: Graph, recipeId: string, argument: unknown, result: Document, parent?: Scope): Scope {
  const process = processOf(result);
  instances.get(process)?.stop();
  const scope = new Scope(graph, process, result, parent);
  instances.set(process, scope);

  const stored = process.read();
  const before: Fields | undefined = isObject(stored) ? stored : undefined;
  const sameRecipe = before?.$TYPE === recipeId;
  const defaults = graph.argumentDefaults;
  const ofCells = isObject(defaults) ? defaults.internal as Fields | undefined : undefined;
  const initial = graph.initial.internal;
  if (before === undefined) {
    const internal = { ...ofCells, ...scope.bind(initial) as Fields | undefined };
    write(process.root, { $TYPE: recipeId, resultRef: linkTo(result.root), internal });
  } else {
    if (!sameRecipe) write(process.root.child("$TYPE"), recipeId);
    const kept = isObject(before.internal) ? before.internal : {};
    if (lacks(kept, ofCells) || lacks(kept, initial)) {
      const internal = { ...ofCells, ...scope.bind(initial) as Fields | undefined };
      for (const key of keys(internal)) {
        if (kept[key] === undefined) write(process.root.at(["internal", key]), internal[key]);
      }
    }
  }
  // The ids of inner instances depend on their arguments: so what one has already came of the same ones.
  if (before?.argument === undefined) {
    const full = merged(boundArgument(argument), defaults);
    if (full) write(process.root.child("argument"), full);
  }
  if (!sameRecipe) replace(result.root, scope.bind(graph.result));
  // Inner instances first: the others' reads lead through their documents.
  const { nodes } = graph;
  for (let i = 0; i < nodes.length; i++) if (nodes[i]!.module.type === "recipe") instantiate(nodes[i]!, scope);
  for (let i = 0; i < nodes.length; i++) if (nodes[i]!.module.type !== "recipe") instantiate(nodes[i]!, scope);
  return scope;
}

function lacks(kept: Fields, wanted: Fields | undefined): boolean {
  if (wanted === undefined) return false;
  const names = keys(wanted);
  for (let i = 0; i < names.length; i++) if (kept[names[i]!] === undefined) return true;
  return false;
}

function processOf(result: Document): Document {
  result.read();
  if (result.source === undefined) result.adopt(ownDocument({}, linkTo(result.root)));
  return result.source!;
}

/** An argument that is itself a link becomes one alias for each field that its target has now. */
function boundArgument(argument: unknown): unknown {
  if (!isLink(argument)) return argument;
  resolve(placeOf(argument));
  const { cell, path } = argument;
  if (!isObject(found) || isArray(found)) return { $alias: { cell, path } };
  return Object.fromEntries(keys(found).map((key) => [key, { $alias: { cell, path: [...path, key] } }]));
}

function merged(value: unknown, defaults: unknown): unknown {
  if (value === undefined) return defaults;
  if (!isMergeable(value) || !isMergeable(defaults)) return value;
  const out: Fields = { ...value };
  for (const key of keys(defaults)) out[key] = merged(own(value, key), defaults[key]);
  return out;
}

function isMergeable(value: unknown): value is Fields {
  return isObject(value) && !isArray(value) && !isLink(value) && !isAlias(value) && !("$static" in value);
}

function instantiate(node: GraphNode, scope: Scope): void {
  const { module } = node;
  if (module.type === "recipe") return instantiateRecipe(node, scope);
  if (module.type === "javascript") return instantiateCode(node, scope);
  const builtin = builtins[module.implementation as string];
  if (builtin === undefined) throw new Error(`Unknown module ref: ${module.implementation}`);
  builtin(node, scope);
}

function instantiateRecipe({ module, inputs, outputs }: GraphNode, scope: Scope): void {
  const graph = graphOf(module.implementation)!;
  const argument = scope.bind(inputs);
  const bindings = { inputBindings: argument, outputBindings: scope.bind(outputs) };
  const result = ownDocument({}, { recipe: graph.id, parent: { "/": scope.process.id }, ...bindings });
  run(graph, graph.id, argument, result, scope);
  scope.output(outputs, linkTo(result.root));
}
