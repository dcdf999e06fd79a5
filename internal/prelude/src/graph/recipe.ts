// recipe(): runs a recipe function once over opaque refs and keeps the graph (runtime spec §2.2).

import { type Module, popFrame, pushFrame, topFrame } from "../cells/frame";
import type { Schema } from "../cells/schema";
import { GRAPH } from "../cells/symbols";
import { type Fields, isArray, isObject, mapObject } from "../host/host";
import { schemaOf } from "../lib/zod";
import { buildGraph, Graph } from "./graph";
import { byRef, nodeFactory } from "./node";
import { methods, newOpaqueRef, opaqueRef, type OpaqueRef, refOf } from "./opaque";

export type Recipe =
  & ((inputs?: unknown) => OpaqueRef)
  & Pick<Graph, "argumentSchema" | "resultSchema" | "initial" | "result" | "nodes">;

/** recipe(argumentSchema | description, [resultSchema], fn). */
export function recipe(about: string | Schema, second: unknown, third?: unknown): Recipe {
  const fn = (third ?? second) as (inputs: OpaqueRef) => unknown;
  const resultSchema = third === undefined ? undefined : schemaOf(second);
  const frame = pushFrame();
  try {
    const schema = typeof about === "string" ? undefined : schemaOf(about);
    // Refs carry the schema of their place, but not one of zod's.
    const inputs = newOpaqueRef(undefined, schema === about ? schema : undefined);
    const graph = new Graph(schema, resultSchema ?? {});
    buildGraph(frame, refOf(inputs), fn(inputs), graph);
    graph.argumentSchema ??= { ...inferSchema(graph.defaults, true), description: about };
    return asRecipe(graph);
  } finally {
    popFrame(frame);
  }
}

/** The recipe of what `fn` makes in the frame that is on top. */
export function recipeFromFrame(description: string, resultSchema: unknown, fn: (inputs: OpaqueRef) => unknown): Recipe {
  const inputs = newOpaqueRef();
  const graph = new Graph({ type: "object", properties: {}, description }, resultSchema ?? {});
  return asRecipe(buildGraph(topFrame()!, refOf(inputs), fn(inputs), graph));
}

function asRecipe(graph: Graph): Recipe {
  const module: Module = { type: "recipe", implementation: undefined };
  const { argumentSchema, resultSchema, initial, result, nodes } = graph;
  const recipe = Object.assign(nodeFactory(module), { argumentSchema, resultSchema, initial, result, nodes });
  Object.defineProperties(recipe, { toJSON: { value: () => graph.form() }, [GRAPH]: { value: graph } });
  return module.implementation = recipe;
}

const mapping = byRef("map");

methods.map = (ref, fn: (element: unknown, index: unknown, array: unknown) => unknown) => mapping({
  list: opaqueRef(ref),
  op: recipe("mapping function", ({ element, index, array }: Record<string, OpaqueRef>) => fn(element, index, array)),
});

/** A schema that fits an example value; with defaults, every leaf that is not an object gets its value as default. */
export function inferSchema(example: unknown, withDefaults = false): Schema {
  const schema: Schema = {};
  if (isArray(example)) {
    schema.type = "array";
    // Of each field the first element that has it counts.
    const fields: Fields = Object.assign({}, ...example.filter(isObject).reverse());
    if (example.length > 0) schema.items = inferSchema(fields, withDefaults);
  } else if (isObject(example)) {
    schema.type = "object";
    schema.properties = mapObject(example, (field) => inferSchema(field, withDefaults)) as Record<string, Schema>;
    return schema;
  } else if (example === null) schema.type = "null";
  else if (typeof example === "number") schema.type = Number.isInteger(example) ? "integer" : "number";
  else if (typeof example === "string" || typeof example === "boolean") schema.type = typeof example;
  if (withDefaults && example !== undefined) schema.default = example;
  return schema;
}
