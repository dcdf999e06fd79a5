// The nodes that are part of the runtime, by name (runtime spec §2.6, §2.7, §3.8).

import { view } from "../cells/view";
import { append, replace, resize, write } from "../cells/write";
import type { Document, Place, Reads } from "../documents/document";
import { type Link, linkTo, placeOf, writeTarget } from "../documents/link";
import { Alias, type Graph, type GraphNode, graphOf } from "../graph/graph";
import { isArray, stringify } from "../host/host";
import { Rows } from "../schedule/rows";
import { Action, schedule } from "../schedule/scheduler";
import { ownDocument, type Scope } from "./scope";

export type Builtin = (node: GraphNode, scope: Scope) => void;

/** Runs `body` now and whenever what it read has changed. */
export function react({ module, reads, writes }: GraphNode, scope: Scope, body: (reads: Reads) => void): Action {
  const source = { kind: "lift", code: react, label: String(module.implementation) } as const;
  const action = new Action(source, writes.map((alias) => writeTarget(scope.place(alias))), body);
  action.subscribe(scope.readsOf(reads));
  scope.add(action);
  schedule(action);
  return action;
}

/** A document for the output of a built-in node. */
export function outputDocument(scope: Scope, cause: object): Document {
  const doc = ownDocument({}, cause);
  doc.adopt(scope.process);
  scope.own.push(doc);
  return doc;
}

/** The value of an input: what a cell holds, or what was written in the recipe. */
export function inputValue(tree: unknown, scope: Scope, reads: Reads): unknown {
  return tree instanceof Alias ? view(scope.place(tree), reads) : tree;
}

/** The output is a document with the chosen branch as it is bound, so that an alias in it goes on being one. */
export function conditional(node: GraphNode, scope: Scope): void {
  const [condition, then, otherwise] = node.inputs as unknown[];
  const output = outputDocument(scope, { ifElse: scope.bind(node.inputs) });
  scope.output(node.outputs, linkTo(output.root));
  react(node, scope, (reads) => {
    const chosen = scope.bind(inputValue(condition, scope, reads) ? then : otherwise);
    if (stringify(chosen) !== stringify(output.read())) replace(output.root, chosen);
  });
}

/** One instance of the mapping recipe for each index; the elements have no identity. */
export function mapList(node: GraphNode, scope: Scope): void {
  const { list, op } = node.inputs as { list: unknown; op: unknown };
  const graph = graphOf(op) as Graph;
  const bound = scope.bind(list);
  const output = outputDocument(scope, { map: { "/": scope.process.id }, op: graph.id, cause: bound });
  scope.output(node.outputs, linkTo(output.root));
  if (output.read() === undefined) write(output.root, []);
  const rows = new Rows(output);
  scope.maps.push(rows);
  let elements: unknown[] = [];
  let place: Place | undefined;
  rows.start = (i) => {
    const known = (output.read() as Link[])[i];
    const argument = place === undefined
      ? { element: elements[i], index: i, array: elements }
      : { element: linkTo(place.child(i)), index: i, array: linkTo(place) };
    const row = known === undefined ? ownDocument({}, { result: linkTo(output.root), index: i }) : placeOf(known).doc;
    const instance = scope.run(graph, argument, row);
    instance.process.adopt(scope.process);
    rows.state[i] = instance;
    rows.moved = true;
    if (known === undefined) append(output.root, [linkTo(row.root)]);
  };
  rows.action = react(node, scope, (reads) => {
    const value = inputValue(list, scope, reads) ?? [];
    if (!isArray(value)) throw new Error(`map needs an array, but was given a ${typeof value}`);
    elements = value;
    // Links name the way to the list, not the list: they stay right when the way leads to another one.
    place = list instanceof Alias ? scope.place(list) : undefined;
    rows.follow(place && writeTarget(place));
    rows.cut(elements.length);
    const links = output.read() as Link[];
    for (let i = 0; i < elements.length; i++) {
      if (rows.state[i] !== undefined) continue;
      // The id of the output depends on the recipe and on the list, so what is stored for a row fits: without nodes
      // there is nothing to compute anew.
      if (links[i] !== undefined && graph.nodes.length === 0) rows.state[i] = null;
      else if (links[i] === undefined || !rows.sleeps(i)) rows.start(i);
    }
    if (links.length > elements.length) resize(output.root, elements.length);
  });
}
