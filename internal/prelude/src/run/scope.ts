// Scopes: the running instances of graphs, and what the nodes of one read and write.

import type { Root } from "../cells/frame";
import { session } from "../cells/session";
import { write } from "../cells/write";
import { type Document, documentOf, type Place, Reads } from "../documents/document";
import { entityId } from "../documents/entity";
import { resolve } from "../documents/link";
import { Alias, type Graph } from "../graph/graph";
import { type Fields, is, isArray, isObject, type Key, keys, mapObject } from "../host/host";
import { drop, type Rows } from "../schedule/rows";
import type { Action, EventHandler } from "../schedule/scheduler";

/** Starts an instance in one. Given from above: it makes nodes of every kind, some of which start instances again. */
type Run = (graph: Graph, recipeId: string, argument: unknown, result: Document, parent: Scope) => Scope;

/** One running instance of a graph. */
export class Scope {
  readonly actions: Action[] = [];
  private readonly streams: { place: Place; handler: EventHandler }[] = [];
  readonly inner: Scope[] = [];
  readonly maps: Rows[] = [];
  /** The documents that this instance consists of. */
  readonly own: Document[];

  constructor(
    readonly graph: Graph, readonly process: Document, result: Document, readonly parent: Scope | undefined,
    private readonly start: Run,
  ) {
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
    if (isArray(tree)) return tree.map((part) => this.bind(part));
    return mapObject(tree, (field) => this.bind(field));
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

  /** Runs a graph inside of this one. */
  run(graph: Graph, argument: unknown, result: Document): Scope { return this.start(graph, graph.id, argument, result, this); }

  stop(): void {
    for (const action of this.actions) action.stop();
    for (const { place, handler } of this.streams) place.handlers = place.handlers?.filter((other) => other !== handler);
    for (const scope of this.inner) scope.stop();
    drop(this.maps);
    instances.delete(this.process);
  }
}

export const instances = new Map<Document, Scope>();

/** A document of the run that may have been stored by an earlier one. */
export function ownDocument(source: object, cause: unknown): Document {
  const doc = documentOf(entityId(source, cause));
  if (session.fresh && !doc.loaded) doc.begin();
  return doc;
}
