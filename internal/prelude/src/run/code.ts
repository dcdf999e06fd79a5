// Nodes that are JavaScript functions. One with a stream among its inputs handles that stream's events; any other runs
// whenever something it read has changed (runtime spec §2.4, §2.5, §3.3).

import { type Frame, type Module, popFrame, pushFrame } from "../cells/frame";
import { read } from "../cells/read";
import { view } from "../cells/view";
import { storedForm } from "../cells/write";
import { type Document, type Place, type Reads, temporary } from "../documents/document";
import { entityId } from "../documents/entity";
import { isStream, linkTo, resolve, writeTarget } from "../documents/link";
import { Alias, type GraphNode, graphOf, walkRefs } from "../graph/graph";
import { recipeFromFrame } from "../graph/recipe";
import { type Fields, host, isObject, isThenable, keys } from "../host/host";
import { Action, schedule } from "../schedule/scheduler";
import { ownDocument, type Scope } from "./scope";

type Code = (...args: unknown[]) => unknown;

export function instantiateCode(node: GraphNode, scope: Scope): void {
  const key = streamKey(node, scope);
  if (key === undefined) instantiateLift(node, scope);
  else instantiateHandler(node, scope, key);
}

/** The input that is a stream. A link is not followed to find out: it would load a document that nobody may read. */
function streamKey({ module, inputs }: GraphNode, scope: Scope): string | undefined {
  if (module.wrapper === "handler") return "$event";
  if (!isObject(inputs) || inputs instanceof Alias) return undefined;
  return keys(inputs).find((key) => {
    const input = inputs[key];
    return input instanceof Alias && isStream(writeTarget(scope.place(input)).raw());
  });
}

function instantiateHandler({ module, inputs }: GraphNode, scope: Scope, key: string): void {
  const alias = (inputs as Fields)[key] as Alias;
  const place = resolve(scope.place(alias));
  const code = module.implementation as Code;
  let known: Fields | undefined;
  const handle = (event: unknown): unknown => {
    if (event === undefined || event === null) {
      throw new TypeError(`Cannot read properties of ${event} (reading 'preventDefault')`);
    }
    (event as { preventDefault?: () => void }).preventDefault?.();
    const bound = known ??= scope.bind(inputs) as Fields; // of most handlers of a charm no run needs them
    const given = { ...bound, [key]: storedForm(place, event) };
    const argument = frozenDocument(given, () => entityId(given, frame.cause));
    const props = argumentAt(argument.root, module, undefined);
    const frame = pushFrame(scope, undefined, () => ({ ...bound, [key]: host.uuid() }), true);
    return inFrame(
      frame,
      () => module.wrapper === "handler" ? code.call(props, (props as Fields).$event, props) : code(props),
      (result) => void resultGraph(result, scope, frame),
    );
  };
  scope.listen(place, { kind: "handler", code, label: String(place.key), handle });
}

function instantiateLift({ module, inputs, outputs, reads, writes }: GraphNode, scope: Scope): void {
  const code = module.implementation as Code;
  const place = inputs instanceof Alias ? scope.place(inputs) : inputsPlace(scope.bind(inputs));
  const cause = () => ({ inputs: scope.bind(inputs), outputs: scope.bind(outputs), fn: code });
  const label = writes.length > 0 ? String(writes[0]!.path.at(-1)) : "";
  const targets = writes.map((alias) => writeTarget(scope.place(alias)));
  const action = new Action({ kind: "lift", code, label }, targets, (reads) => {
    const argument = argumentAt(place, module, reads);
    const frame = pushFrame(scope, reads, cause);
    return inFrame(frame, () => code(argument), (result) => {
      const graph = resultGraph(result, scope, frame);
      scope.output(outputs, graph === undefined ? result : linkTo(graph.root));
    });
  });
  action.subscribe(scope.readsOf(reads));
  scope.add(action);
  schedule(action);
}

/** Calls `code` and then `done` in `frame`, which lasts until the promise that `code` may return is settled. */
function inFrame(frame: Frame, code: () => unknown, done: (result: unknown) => void): unknown {
  let awaited = false;
  try {
    const result = code();
    if (!isThenable(result)) return done(result);
    awaited = true;
    return Promise.resolve(result).then(done).then(() => popFrame(frame), (thrown) => {
      popFrame(frame);
      throw thrown;
    });
  } finally {
    if (!awaited) popFrame(frame);
  }
}

/** A result that holds opaque refs is run as a recipe of its own; answers the result document of that. */
function resultGraph(result: unknown, scope: Scope, frame: Frame): Document | undefined {
  let found = false;
  walkRefs(result, () => found = true);
  if (!found) return undefined;
  const graph = graphOf(recipeFromFrame("result of a function", undefined, () => result))!;
  const doc = ownDocument({}, { resultFor: frame.cause });
  scope.run(graph, undefined, doc);
  return doc;
}

function frozenDocument(inputs: unknown, id: () => string): Document {
  const doc = temporary(inputs, id);
  doc.frozen = true;
  return doc;
}

/** The bound inputs of a lift, as a document that nobody can write to. */
function inputsPlace(inputs: unknown): Place {
  return frozenDocument(inputs, () => entityId(isObject(inputs) ? inputs : { value: inputs }, { immutable: inputs })).root;
}

function argumentAt(place: Place, { plan }: Module, reads: Reads | undefined): unknown {
  return plan === undefined ? view(place, reads) : read(place, plan, reads);
}
