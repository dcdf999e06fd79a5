// Factories of nodes: lift, handler and the built-ins. Calling one inside a recipe adds a node to the graph that is
// being built (runtime spec §2.4-2.6).

import { type Module, type Node, topFrame } from "../cells/frame";
import { planOf, type Schema } from "../cells/schema";
import { type Fields, isArray, isObject, keys } from "../host/host";
import { schemaOf } from "../lib/zod";
import { graphOf, walkRefs } from "./graph";
import { newOpaqueRef, type OpaqueRef } from "./opaque";

type Code = (...args: any[]) => unknown;
export type Factory = ((inputs?: any) => OpaqueRef) & Partial<Module>;

function addNode(module: Module, inputs: unknown, outputs: unknown): void {
  const frame = topFrame();
  if (frame === undefined) throw new Error("Lifts, handlers and recipes can only be called inside a recipe.");
  const node: Node = { module, inputs, outputs, frame };
  for (const part of [inputs, outputs]) walkRefs(part, (ref) => ref.root.nodes.add(node));
}

/** A function that adds a node of `module` and returns the ref of its output. */
export function nodeFactory(module: Module): (inputs?: unknown) => OpaqueRef {
  return (inputs) => {
    const outputs = newOpaqueRef();
    addNode(module, inputs, outputs);
    return outputs;
  };
}

export function createNodeFactory(module: Module): Factory { return Object.assign(nodeFactory(module), module); }
export function byRef(name: string): Factory { return createNodeFactory({ type: "ref", implementation: name }); }

function codeModule(implementation: Code, argumentSchema?: Schema, resultSchema?: Schema): Module {
  const schemas = argumentSchema && { argumentSchema, resultSchema, plan: planOf(argumentSchema) };
  return { type: "javascript", implementation, ...schemas };
}

/** lift(fn) or lift(argumentSchema, resultSchema, fn). */
export function lift(first: unknown, resultSchema?: Schema, fn?: Code): Factory {
  return createNodeFactory(fn === undefined ? codeModule(first as Code) : codeModule(fn, schemaOf(first), schemaOf(resultSchema)));
}

/** derive(input, fn) or derive(argumentSchema, resultSchema, input, fn). */
export function derive(...args: any[]): OpaqueRef {
  return args.length > 2 ? lift(args[0], args[1], args[3])(args[2]) : lift(args[1])(args[0]);
}

export function compute(fn: Code): OpaqueRef { return lift(fn)(undefined); }

/** Like compute; functions in what `fn` returns become handlers. */
export function render(fn: Code): OpaqueRef {
  const handled = (value: unknown): unknown => {
    if (typeof value === "function" && graphOf(value) === undefined) return handler(value as Code)({});
    if (isArray(value)) return value.map(handled);
    if (!isObject(value) || Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(keys(value).map((key) => [key, handled(value[key])]));
  };
  return compute(() => handled(fn()));
}

/** handler(fn) or handler(eventSchema, stateSchema, fn). */
export function handler(first: unknown, stateSchema?: Schema, fn?: Code): Factory & { with: Factory } {
  const module: Module = fn === undefined || !first && !stateSchema
    ? codeModule(fn ?? first as Code)
    : codeModule(fn, { type: "object", properties: { $event: schemaOf(first ?? {}), ...schemaOf(stateSchema)?.properties } });
  module.wrapper = "handler";
  const factory = (props: Fields = {}): OpaqueRef => {
    const events = stream();
    addNode(module, { ...props, $event: events }, {});
    return events;
  };
  return Object.assign(factory, module, { with: factory, bind: factory });
}

export function cell(value?: unknown, schema?: Schema): OpaqueRef { return newOpaqueRef(value, schema); }
export function stream(): OpaqueRef { return newOpaqueRef({ $stream: true }); }

const conditional = byRef("ifElse");
export const ifElse = (...branches: [unknown, unknown, unknown]): OpaqueRef => conditional(branches);
export const fetchData = byRef("fetchData");
export const streamData = byRef("streamData");
export const llm = byRef("llm");
export const navigateTo = byRef("navigateTo");

const interpolate = createNodeFactory({
  type: "javascript",
  implementation: ({ strings, values }: { strings: string[]; values: unknown[] }) => {
    let text = strings[0]!;
    for (let i = 0; i < values.length; i++) text += String(values[i]) + strings[i + 1];
    return text;
  },
  text: '({ strings, values })=>strings.reduce((result, str, i)=>result + str + (i < values.length ? values[i] : ""), "")',
  plan: planOf({
    type: "object",
    properties: { strings: { type: "array", items: { type: "string" } }, values: { type: "array" } },
  }),
});

export function str(strings: TemplateStringsArray, ...values: unknown[]): OpaqueRef {
  return interpolate({ strings: [...strings], values });
}
