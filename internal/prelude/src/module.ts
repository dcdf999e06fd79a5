// What recipes may import. Types-only packages are here too, empty, for compilers that keep such an import.

import { cell, compute, createNodeFactory, derive, fetchData, handler, ifElse, lift, llm, navigateTo, render } from "./node";
import { byRef, str, stream, streamData } from "./node";
import { Cell, Stream } from "./cell";
import { getRecipeEnvironment } from "./environment";
import { popFrame, pushFrame, topFrame } from "./frame";
import { graphOf } from "./graph";
import * as html from "./html";
import { isAlias, isStream } from "./link";
import { refOf, valueAt, withValue } from "./opaque";
import { inferSchema, recipe, recipeFromFrame } from "./recipe";
import { deepEqual, event, isModule, isStatic, markAsStatic, path, schema, Spell } from "./spell";
import { ID, ID_FIELD } from "./symbols";
import { isView } from "./view";
import { sleep } from "./web/timers";

const builder = {
  $: path, ID, ID_FIELD, NAME: "$NAME", Spell, TYPE: "$TYPE", UI: "$UI",
  byRef, cell, compute, createJsonSchema: inferSchema, createNodeFactory, deepEqual, derive, event, fetchData,
  getRecipeEnvironment, getTopFrame: topFrame, getValueAtPath: valueAt, handler, ifElse, isAlias, isModule,
  isOpaqueRef: (value: unknown) => refOf(value) !== undefined, isRecipe: (value: unknown) => graphOf(value) !== undefined,
  isStatic, isStreamAlias: isStream, lift, llm, markAsStatic, navigateTo, popFrame, pushFrame,
  pushFrameFromCause: (cause: unknown) => pushFrame(undefined, undefined, () => cause),
  recipe, recipeFromFrame, render, schema, select: path, setValueAtPath: withValue, str, stream, streamData,
  toOpaqueRef: Symbol("toOpaqueRef"),
  unsafe_materializeFactory: Symbol("unsafe_materializeFactory"),
  unsafe_originalRecipe: Symbol("unsafe_originalRecipe"),
  unsafe_parentRecipe: Symbol("unsafe_parentRecipe"),
};

const runner = {
  isCell: (value: unknown) => value instanceof Cell,
  isStream: (value: unknown) => value instanceof Stream,
  isQueryResult: isView,
};

const { h, Fragment } = html;

const modules = new Map<string, object>([
  ["@commontools/builder", builder],
  ["@commontools/html", html],
  ["@commontools/llm", {}],
  ["@commontools/runner", runner],
  ["@commontools/utils/sleep", { sleep }],
  ["commontools", { ...builder, h, Fragment }],
]);

export function require(name: string): object {
  const module = modules.get(name);
  if (module === undefined) throw new Error(`Module not found: ${name}`);
  return module;
}
