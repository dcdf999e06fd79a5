// fetchData: fetches a URL when its inputs have changed since the answer that is stored (runtime spec §2.7).

import { inputValue, react, requestOutputs } from "./builtin";
import { Alias, type GraphNode } from "./graph";
import { host, isArray, isObject, mapObject, stringify } from "./host";
import type { Scope } from "./run";
import { type Reads, whenAtRest } from "./scheduler";
import { fetch, type RequestInit } from "./web/fetch";
import { write } from "./write";

interface Inputs {
  url?: string;
  mode?: "json" | "text";
  options?: RequestInit;
}

export function fetchData(node: GraphNode, scope: Scope): void {
  const docs = requestOutputs("fetchData", ["pending", "result", "error", "requestHash"], node, scope);
  let current: string | undefined;
  react(node, scope, (reads) => {
    const { url, mode = "json", options = {} } = plainInputs<Inputs>(node.inputs, scope, reads);
    const hash = host.refer(stringify({ url, mode, options }), "string");
    if (hash === current || url !== undefined && hash === docs.requestHash.read()) return;
    current = hash;
    const put = (pending: boolean, result?: unknown, error?: unknown) => {
      write(docs.pending.root, pending);
      write(docs.result.root, result);
      write(docs.error.root, error);
    };
    if (url === undefined) {
      put(false);
      return;
    }
    put(true);
    const finish = (result: unknown, error: unknown, doneHash?: string) =>
      whenAtRest(() => {
        if (hash !== current) return;
        put(false, result, error);
        if (doneHash !== undefined) write(docs.requestHash.root, doneHash);
        else current = undefined;
      });
    fetch(url, options)
      .then((response) => mode === "json" ? response.json() : response.text())
      .then((result) => finish(result, undefined, hash), (error) => finish(undefined, error));
  });
}

/** The inputs of a request as plain values. */
export function plainInputs<T>(tree: unknown, scope: Scope, reads: Reads): T {
  if (tree instanceof Alias) return JSON.parse(stringify(inputValue(tree, scope, reads) ?? {})) as T;
  const value = (part: unknown): unknown => {
    if (part instanceof Alias) {
      const seen = inputValue(part, scope, reads);
      return isObject(seen) ? JSON.parse(stringify(seen)) : seen;
    }
    if (isArray(part)) return part.map(value);
    return isObject(part) ? mapObject(part, value) : part;
  };
  return value(tree) as T;
}
