// Instances: a graph is run on a result document and a process document, which are made or taken up again; then every
// node of the graph becomes an action, a handler or an instance of its own (runtime spec §3.3).

import { replace, write } from "../cells/write";
import type { Document } from "../documents/document";
import { found, isAlias, isLink, linkTo, placeOf, resolve } from "../documents/link";
import { type Graph, type GraphNode, graphOf } from "../graph/graph";
import { type Fields, isArray, isObject, keys, own } from "../host/host";
import { type Builtin, conditional, mapList } from "./builtin";
import { instantiateCode } from "./code";
import { fetchData, llm, streamData } from "./request";
import { instances, ownDocument, Scope } from "./scope";

/** Runs `graph` on `result`; the argument counts only for an instance that has none yet. */
export function run(graph: Graph, recipeId: string, argument: unknown, result: Document, parent?: Scope): Scope {
  const process = processOf(result);
  instances.get(process)?.stop();
  const scope = new Scope(graph, process, result, parent, run);
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
  return wanted !== undefined && keys(wanted).some((key) => kept[key] === undefined);
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

// There is no browser to go anywhere with; recipes that navigate run all the same.
const builtins: Record<string, Builtin> = {
  fetchData, ifElse: conditional, llm, map: mapList, navigateTo: () => {}, streamData,
};

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
  scope.run(graph, argument, result);
  scope.output(outputs, linkTo(result.root));
}
