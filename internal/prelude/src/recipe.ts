// recipe(): runs a recipe function once over opaque refs and keeps the graph (runtime spec §2.2).

import { popFrame, pushFrame, topFrame } from "./frame";
import { buildGraph, Graph } from "./graph";
import { type Fields, isArray, isObject, keys } from "./host";
import { createNodeFactory, type Factory } from "./node";
import { newOpaqueRef, type OpaqueRef, refOf } from "./opaque";
import type { Schema } from "./schema";
import { GRAPH } from "./symbols";

export type Recipe = Factory & Pick<Graph, "argumentSchema" | "resultSchema" | "initial" | "result" | "nodes">;

/** recipe(argumentSchema | description, [resultSchema], fn). */
export function recipe(about: string | Schema, second: unknown, third?: unknown): Recipe {
  const fn = (third ?? second) as (inputs: OpaqueRef) => unknown;
  const resultSchema = third === undefined ? undefined : second as Schema;
  const frame = pushFrame();
  try {
    const schema = typeof about === "string" ? undefined : about;
    const inputs = newOpaqueRef(undefined, schema);
    const graph = new Graph(schema, resultSchema ?? {});
    buildGraph(frame, refOf(inputs), fn(inputs), graph);
    graph.argumentSchema ??= { ...inferSchema(refOf(inputs)!.root.defaults ?? {}, true), description: about };
    return asRecipe(graph);
  } finally {
    popFrame(frame);
  }
}

/** A graph of what `fn` makes in the frame that is on top. */
export function recipeFromFrame(about: string | Schema, resultSchema: Schema | undefined, fn: (inputs: OpaqueRef) => unknown): Recipe {
  const frame = topFrame()!;
  const inputs = newOpaqueRef();
  const graph = new Graph(typeof about === "string" ? { type: "object", properties: {}, description: about } : about, resultSchema ?? {});
  return asRecipe(buildGraph(frame, refOf(inputs), fn(inputs), graph));
}

function asRecipe(graph: Graph): Recipe {
  const module = { type: "recipe" as const, implementation: undefined as unknown };
  const factory = createNodeFactory(module) as Factory & Fields;
  // The factory is its own module's implementation; it shows the graph's fields instead of the module's.
  for (const key of keys(module)) delete factory[key];
  const { argumentSchema, resultSchema, initial, result, nodes } = graph;
  module.implementation = Object.assign(factory, { argumentSchema, resultSchema, initial, result, nodes });
  Object.defineProperty(factory, "toJSON", { value: () => graph.toJSON() });
  Object.defineProperty(factory, GRAPH, { value: graph });
  return factory as unknown as Recipe;
}

/** A schema that fits an example value; with defaults, every leaf that is not an object gets its value as default. */
export function inferSchema(example: unknown, withDefaults = false): Schema {
  const schema: Schema = {};
  if (isArray(example)) {
    const properties: Record<string, Schema> = {};
    for (const item of example) {
      if (isObject(item)) for (const key of keys(item)) properties[key] ??= inferSchema(item[key]);
    }
    schema.type = "array";
    schema.items = { type: "object", properties };
  } else if (isObject(example)) {
    schema.type = "object";
    schema.properties = {};
    for (const key of keys(example)) schema.properties[key] = inferSchema(example[key], withDefaults);
    return schema;
  } else if (example === null) schema.type = "null";
  else if (typeof example === "number") schema.type = Number.isInteger(example) ? "integer" : "number";
  else if (typeof example === "string" || typeof example === "boolean") schema.type = typeof example;
  if (withDefaults && example !== undefined) schema.default = example;
  return schema;
}
