// Graphs: what a recipe function leaves behind. Refs become Aliases, relative to the process document of the instance;
// nodes are found by walking from the inputs and the result along the refs (runtime spec §2.3).

import { type Frame, type Module, type Node, type Root, topFrame } from "../cells/frame";
import { defaultsOf, type Schema } from "../cells/schema";
import { GRAPH, PLACE } from "../cells/symbols";
import type { Place } from "../documents/document";
import type { AliasTarget } from "../documents/link";
import { type Fields, host, isArray, isObject, type Key, keys, mapObject, stringify } from "../host/host";
import { type Ref, refOf } from "./opaque";

/** A cell in a graph: of an instance `depth` instances out from the one that the graph becomes, or a stored value. */
export class Alias {
  private known: readonly Key[] | undefined;

  constructor(readonly depth: number, readonly ref: Ref | undefined, readonly place?: Place) {}

  /** The path in the process document. The names of an enclosing graph are known only after it was built too. */
  get path(): readonly Key[] { return this.known ??= this.place?.path ?? [...this.ref!.root.path, ...this.ref!.path]; }

  target(cell?: unknown): AliasTarget {
    const schema = this.ref?.schema;
    const { path } = this;
    const out: Fields = schema === undefined ? { path } : { path, schema, rootSchema: this.ref!.root.schema };
    if (cell !== undefined) out.cell = cell;
    return out as AliasTarget;
  }
}

export interface GraphNode {
  module: Module;
  inputs: unknown;
  outputs: unknown;
  /** The aliases in inputs and outputs, so that instances need not look for them. */
  reads: Alias[];
  writes: Alias[];
}

export class Graph {
  result: unknown;
  nodes: GraphNode[] = [];
  readonly initial: { internal?: Fields } = {};
  /** What setDefault() was told, of the argument and of cells that have a name. */
  readonly defaults: Fields & { internal?: Fields } = {};
  /** The names of its own cells. */
  readonly cells: Key[] = [];
  /** Cells of enclosing graphs that are used in this one. */
  readonly captured: Ref[] = [];
  private text: string | undefined;
  private ofSchema: { value: unknown } | undefined;

  constructor(public argumentSchema: unknown, readonly resultSchema: unknown) {}

  /** The name of a recipe that has no source of its own: a reference of its graph, "ba4jc…". */
  get id(): string { return this.text ??= host.refer(stringify(this.form("")), "string"); }

  /** What the argument's schema says of parts that are not given. */
  get argumentDefaults(): unknown {
    return (this.ofSchema ??= { value: defaultsOf(this.argumentSchema as Schema) }).value;
  }

  /** The graph as JSON. For its id `level` counts the graphs around it, as ids in databases do: "", "1", "11". */
  form(level?: string): Fields {
    const json = (value: unknown) => treeJSON(value, level);
    return {
      argumentSchema: this.argumentSchema,
      resultSchema: this.resultSchema,
      initial: json(this.initial),
      result: json(this.result),
      nodes: this.nodes.map(({ module, inputs, outputs }) => (
        { module: moduleJSON(module, level), inputs: json(inputs), outputs: json(outputs) }
      )),
    };
  }
}

export function graphOf(value: unknown): Graph | undefined {
  return typeof value === "function" ? (value as { [GRAPH]?: Graph })[GRAPH] : undefined;
}

function moduleJSON({ plan: _plan, text, type, implementation: code, ...rest }: Module, level?: string): Fields {
  // Ids were made without our texts, and go on being.
  const own = level === undefined && text || (typeof code === "function" ? String(code) : code);
  const implementation = graphOf(code)?.form(level) ?? own;
  return { type, implementation, ...rest };
}

function treeJSON(value: unknown, level?: string): unknown {
  if (value instanceof Alias) return aliasJSON(value, level);
  const graph = graphOf(value);
  if (graph !== undefined) return graph.form(level === undefined ? level : level + 1);
  if (isArray(value)) return value.map((item) => treeJSON(item, level));
  return isObject(value) ? mapObject(value, (field) => treeJSON(field, level)) : value;
}

function aliasJSON(alias: Alias, level?: string): unknown {
  if (alias.place !== undefined) return { $alias: alias.target({ "/": alias.place.doc.id }) };
  // Which cell of an enclosing graph is meant the original does not tell.
  if (level === undefined) return { $alias: alias.depth > 0 ? { cell: { shadowOf: null }, path: [] } : alias.target() };
  const out = Number(level) - alias.depth;
  return out < 0 ? { shadowOf: null } : { $alias: alias.target(out === 0 ? undefined : out) };
}

/** The graph of what was built in `frame`. Its refs belong to it from then on. */
export function buildGraph(frame: Frame, inputs: Ref | undefined, outputs: unknown, graph: Graph): Graph {
  const { roots, nodes } = collect(frame, inputs, outputs);
  nameRoots(roots, inputs?.root, outputs);
  const convert = (value: unknown, emptyNull = true): unknown => {
    const ref = refOf(value);
    if (ref !== undefined) return aliasOf(ref, frame, graph);
    passOnCaptured(value, frame, graph);
    if (value === null && emptyNull) return {};
    if (!isObject(value)) return value;
    const place = (value as { [PLACE]?: Place })[PLACE];
    if (place !== undefined) return new Alias(0, undefined, place);
    return isArray(value) ? value.map((item) => convert(item, emptyNull)) : mapObject(value, (field) => convert(field, emptyNull));
  };
  graph.result = convert(outputs ?? {});
  for (const { module, inputs, outputs } of nodes) {
    passOnCaptured(module.implementation, frame, graph);
    const node = { module, inputs: convert(inputs), outputs: convert(outputs) };
    graph.nodes.push({ ...node, reads: aliasesIn(node.inputs), writes: aliasesIn(node.outputs) });
  }
  Object.assign(graph.defaults, convert(inputs?.root.defaults));
  for (const root of roots) {
    root.owner = graph;
    if (root === inputs?.root) continue;
    const name = root.path[1]!;
    if (root.defaults !== undefined && root.name !== undefined) {
      (graph.defaults.internal ??= {})[name] = root.defaults;
    }
    graph.cells.push(name);
    if (root.value) (graph.initial.internal ??= {})[name] = convert(root.value, false);
  }
  makeContainers(graph);
  return graph;
}

/** The roots and nodes of a frame in the order in which the original finds them: it decides the internal names. */
function collect(frame: Frame, inputs: Ref | undefined, outputs: unknown): { roots: Set<Root>; nodes: Set<Node> } {
  const roots = new Set<Root>();
  const nodes = new Set<Node>();
  const add = (root: Root): void => {
    if (root.frame !== frame || root.existing !== undefined || roots.has(root)) return;
    roots.add(root);
    for (const node of root.nodes) {
      if (nodes.has(node) || node.frame !== frame) continue;
      nodes.add(node);
      walkRefs(node.module.implementation, (ref) => add(ref.root));
      walkRefs(node.inputs, (ref) => add(ref.root));
      walkRefs(node.outputs, (ref) => add(ref.root));
    }
  };
  if (inputs !== undefined) add(inputs.root);
  walkRefs(outputs, (ref) => add(ref.root));
  frame.roots.forEach(add);
  return { roots, nodes };
}

function nameRoots(roots: Set<Root>, inputs: Root | undefined, outputs: unknown): void {
  if (isObject(outputs) && refOf(outputs) === undefined) {
    for (const key of keys(outputs)) {
      const ref = refOf(outputs[key]);
      if (ref !== undefined && ref.path.length === 0 && roots.has(ref.root)) ref.root.name ??= key;
    }
  }
  let unnamed = 0;
  for (const root of roots) {
    root.path = root === inputs ? ["argument"] : ["internal", root.name ?? `__#${unnamed++}`];
  }
}

function aliasOf(ref: Ref, frame: Frame, graph: Graph): Alias {
  const { root } = ref;
  if (root.existing !== undefined) return new Alias(0, ref, root.existing.at(ref.path));
  if (root.owner !== undefined && root.owner !== graph) {
    const place = topFrame()?.scope?.placeOf(root, ref.path);
    if (place !== undefined) return new Alias(0, ref, place);
  }
  let depth = 0;
  for (let at: Frame | undefined = frame; at !== undefined; at = at.parent, depth++) {
    if (at !== root.frame) continue;
    if (depth > 0) graph.captured.push(ref);
    return new Alias(depth, ref);
  }
  throw new Error("A cell of another recipe can't be used here.");
}

// What an inner recipe takes from further out than this frame, this graph takes from there too.
function passOnCaptured(inner: unknown, frame: Frame, graph: Graph): void {
  for (const ref of graphOf(inner)?.captured ?? []) if (ref.root.frame !== frame) graph.captured.push(ref);
}

// A cell of which only parts are used starts as an object or array, so that the parts have a place to be.
function makeContainers(graph: Graph): void {
  const aliases = [graph.result, ...graph.nodes.flatMap(({ reads, writes }) => [...reads, ...writes])].flatMap(aliasesIn);
  for (const alias of aliases) {
    // The paths of enclosing graphs' cells are not known yet.
    const path = alias.depth > 0 || alias.place !== undefined ? [] : alias.path;
    if (path[0] !== "internal" || path.length < 3) continue;
    let container: unknown = graph.initial;
    for (let i = 0; i < path.length - 1 && isObject(container) && !(container instanceof Alias); i++) {
      container = container[path[i]!] ??= typeof path[i + 1] === "number" ? [] : {};
    }
  }
}

/** Calls `visit` for every ref in a structure, captured ones of recipes inside it too. */
export function walkRefs(value: unknown, visit: (ref: Ref) => void): void {
  if (!isObject(value) && typeof value !== "function" || (value as { [PLACE]?: Place })[PLACE] !== undefined) return;
  const ref = refOf(value);
  if (ref !== undefined) visit(ref);
  else if (typeof value === "function") graphOf(value)?.captured.forEach(visit);
  else if (isArray(value)) for (let i = 0; i < value.length; i++) walkRefs(value[i], visit);
  else for (const key of keys(value as Fields)) walkRefs((value as Fields)[key], visit);
}

function aliasesIn(value: unknown): Alias[] {
  if (value instanceof Alias) return [value];
  if (isArray(value)) return value.flatMap(aliasesIn);
  return isObject(value) ? keys(value).flatMap((key) => aliasesIn(value[key])) : [];
}
