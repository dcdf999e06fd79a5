// The root object, by which Go drives a run: evaluate a recipe, start a run on it, settle what comes from outside,
// finish. One VM makes one run; its heap is put back before the next.
//
// Each folder imports only from those before it: host (what Go gives), web (the web's globals), documents (what is
// stored), schedule (what runs when that changes), cells (what code sees of it), lib (libraries for recipes), graph
// (what recipes build), run (instances of that). The files beside the folders are what recipes and Go get hold of.

import { Cell, sendEvent } from "./cells/cell";
import { session } from "./cells/session";
import { documentOf } from "./documents/document";
import { saveChanges } from "./documents/store";
import { type Graph, graphOf } from "./graph/graph";
import { type Key, parse, stringify, writeOut } from "./host/host";
import { require } from "./module";
import { cellsOf, integrationOf, isUpdatable, nameOf, whereIs } from "./run/report";
import { run } from "./run/run";
import { describeThrown, type Thrown } from "./schedule/failure";
import { type Memo, recall } from "./schedule/memo";
import { remembered } from "./schedule/rows";
import { failures, running, whenAtRest } from "./schedule/scheduler";
import { installGlobals } from "./web/globals";
import { settle } from "./web/operation";

interface Task {
  mode: "cast" | "event" | "take" | "cells" | "write";
  charm: string; process: string; space: string; recipe: string;
  argument?: unknown; document?: string; stream?: Key[]; event?: unknown;
  memo?: Memo; stale?: string[];
}

type Module = { exports: { default?: unknown } };
type RecipeCode = (require: (name: string) => object, exports: object, module: Module) => Promise<void>;

let graph: Graph | undefined;
let loadError: Thrown = failed("The recipe's top-level await is never settled.");
let task: Task, handled = false;

function failed(message: string): Thrown { return { name: "Error", message, stack: "" }; }

function define(code: RecipeCode): void {
  delete (globalThis as { __charmd_define?: unknown }).__charmd_define;
  const module: Module = { exports: {} };
  code(require, module.exports, module).then(
    () => {
      graph = graphOf(module.exports.default);
      if (graph === undefined) loadError = failed("No default recipe found in the compiled exports.");
      else nameGraphs(graph);
    },
    (thrown) => loadError = describeThrown(thrown),
  );
}

// What depends on the source only, as the ids of inner recipes do, is made here, to be part of the frozen heap.
function nameGraphs(graph: Graph): void {
  graph.argumentDefaults;
  for (const { module, inputs, reads, writes } of graph.nodes) {
    for (const alias of [...reads, ...writes]) alias.path;
    for (const value of [module.implementation, (inputs as { op?: unknown } | undefined)?.op]) {
      const inner = graphOf(value);
      if (inner?.id !== undefined) nameGraphs(inner);
    }
  }
}

function memoText(memo: Memo | undefined): string { return memo === undefined ? "" : `,"memo":${writeOut(memo)}`; }

const root = {
  /** Once the recipe's code has run: its schemas, or what went wrong. */
  loaded(): string {
    if (graph === undefined) return stringify({ ok: false, error: loadError });
    const { argumentSchema, resultSchema } = graph;
    return stringify({ ok: true, argumentSchema, resultSchema });
  },

  start(json: string): void {
    task = parse(json);
    session.space = task.space;
    recall(task.memo, task.stale);
    session.fresh = task.mode === "cast";
    handled = task.mode !== "event";
    if (task.mode === "cells") return;
    const result = documentOf(task.charm);
    const process = documentOf(task.process);
    if (session.fresh) for (const doc of [result, process]) doc.begin();
    result.adopt(process);
    run(graph!, task.recipe, session.fresh ? task.argument ?? {} : undefined, result);
    const place = documentOf(task.document ?? task.charm).root.at(task.stream ?? []);
    if (!handled) whenAtRest(() => handled = sendEvent(place, task.event));
    if (task.mode === "write") whenAtRest(() => new Cell(place, undefined, undefined, undefined).set(task.event));
  },

  settle,

  finish(): string {
    if (task.mode === "cells") return stringify({ handled, failures, cells: cellsOf(graph!) });
    const result = documentOf(task.charm).root;
    const changed = saveChanges([result.doc, documentOf(task.process)]);
    // Put together here: to make the text of an object costs this engine more than all that is in it.
    return `{"handled":${handled},"updater":${isUpdatable(result)},"name":${stringify(nameOf(result))},` +
      `"integration":${stringify(integrationOf(result))},"again":${session.again},` +
      `"stuck":${running === undefined ? null : writeOut({ what: running.kind, ...whereIs(running) })},` +
      `"failures":${failures.length > 0 ? writeOut(failures) : "[]"},"changed":${changed}${memoText(remembered())}}`;
  },
};

installGlobals();
Object.assign(globalThis, { __charmd: root, __charmd_define: define });
