// What recipes may import. A library for recipes would be one more entry of the table.

import { Cell, Stream } from "./cells/cell";
import { popFrame, pushFrame, topFrame } from "./cells/frame";
import { getRecipeEnvironment } from "./cells/session";
import { ID, ID_FIELD } from "./cells/symbols";
import { isAlias, isStream } from "./documents/link";
import { graphOf } from "./graph/graph";
import * as node from "./graph/node";
import { refOf, valueAt, withValue } from "./graph/opaque";
import { inferSchema, recipe, recipeFromFrame } from "./graph/recipe";
import { $, deepEqual, event, isModule, isStatic, markAsStatic, schema, select, Spell } from "./graph/spell";
import * as html from "./html";
import * as formats from "./lib/formats";
import * as merkle from "./lib/merkle";
import TurndownService from "./lib/turndown";
import { z, zodToJsonSchema } from "./lib/zod";
import { sleep } from "./web/timers";

const { byRef, cell, compute, createNodeFactory, derive, fetchData, handler, ifElse, lift, llm, navigateTo } = node;
const { render, str, stream, streamData } = node;

const builder = {
  ID, ID_FIELD, NAME: "$NAME", TYPE: "$TYPE", UI: "$UI",
  byRef, cell, compute, createNodeFactory, derive, fetchData, handler, ifElse, lift, llm, navigateTo, recipe,
  recipeFromFrame, render, str, stream, streamData, getRecipeEnvironment,
  $, select, event, Spell, schema, markAsStatic, deepEqual, isStatic, isModule, isAlias, isStreamAlias: isStream,
  isOpaqueRef: (value: unknown) => refOf(value) !== undefined, isRecipe: (value: unknown) => graphOf(value) !== undefined,
  createJsonSchema: inferSchema, getValueAtPath: valueAt, setValueAtPath: withValue,
  getTopFrame: topFrame, popFrame, pushFrame,
  pushFrameFromCause: (cause: unknown) => pushFrame(undefined, undefined, () => cause),
  toOpaqueRef: Symbol("toOpaqueRef"), unsafe_materializeFactory: Symbol("unsafe_materializeFactory"),
  unsafe_originalRecipe: Symbol("unsafe_originalRecipe"), unsafe_parentRecipe: Symbol("unsafe_parentRecipe"),
};

const is = (kind: Function) => (value: unknown): boolean => value instanceof kind;

// How far values may travel. Schemas of the time name it, and nothing asks.
const Classification = {
  Unclassified: "unclassified", Confidential: "confidential", Secret: "secret", TopSecret: "topsecret",
};

const modules = new Map<string, object>([
  ["@commontools/builder", builder],
  ["@commontools/html", html],
  ["@commontools/llm", {}], // types only, as nearly all of the next
  ["@commontools/runner", { isCell: is(Cell), isStream: is(Stream), Classification }],
  ["@commontools/utils/sleep", { sleep }],
  ["charmd/formats", formats],
  ["commontools", { ...builder, h: html.h, Fragment: html.Fragment, Classification }],
  ["merkle-reference", merkle],
  ["turndown", TurndownService],
  ["zod", z],
  ["zod-to-json-schema", { zodToJsonSchema, default: zodToJsonSchema }],
]);

export function require(name: string): object {
  const module = modules.get(name);
  if (module === undefined) throw new Error(`Module not found: ${name}`);
  return module;
}
