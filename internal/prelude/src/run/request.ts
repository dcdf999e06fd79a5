// fetchData, llm and streamData: nodes that ask a server when their inputs have changed since the answer that is stored
// (runtime spec §2.7). Their outputs are documents of their own.

import { write } from "../cells/write";
import type { Reads } from "../documents/document";
import { linkTo } from "../documents/link";
import { Alias } from "../graph/graph";
import { type Fields, host, isArray, isObject, keys, mapObject, parse, stringify } from "../host/host";
import { environment, meetOutside } from "../host/outside";
import { describeThrown } from "../schedule/failure";
import { whenAtRest } from "../schedule/scheduler";
import { fetch, type RequestInit, type Response } from "../web/fetch";
import { type Builtin, inputValue, outputDocument, react } from "./builtin";
import type { Scope } from "./scope";

/** What is asked, as JSON, and how; without `send` nothing is asked and the outputs are cleared. */
interface Question { about: unknown; send?: () => Promise<unknown> }

/** What is known already is not asked again, unless it is to be asked `anew` in every run. */
function asking(name: string, third: "error" | "partial", question: (inputs: any) => Question, anew = false): Builtin {
  return (node, scope) => {
    const bound = scope.bind(node.inputs) as Fields;
    const inputs = keys(bound).map((key) => bound[key]);
    const field = (field: string) => outputDocument(scope, { [name]: { [field]: inputs } }).root;
    const [pending, result, other, requestHash] = [field("pending"), field("result"), field(third), field("requestHash")];
    const links = { pending: linkTo(pending), result: linkTo(result), [third]: linkTo(other) };
    scope.output(node.outputs, anew ? links : { ...links, requestHash: linkTo(requestHash) });
    let current: string | undefined;
    const put = (isPending: boolean, answer?: unknown, more?: unknown) => {
      write(pending, isPending);
      write(result, answer);
      write(other, more);
    };
    react(node, scope, (reads) => {
      meetOutside();
      const { about, send } = question(plain(node.inputs, scope, reads));
      const hash = host.refer(stringify(about), "string");
      // The hash of an answer stays when its answer has gone.
      const known = send !== undefined && !anew && hash === requestHash.raw() && result.raw() !== undefined;
      if (hash === current || known) return;
      current = hash;
      put(send !== undefined);
      if (send === undefined && !anew) write(requestHash, undefined);
      // An answer is written when nothing runs, and only if the question is still the same.
      const finish = (done: boolean, answer: unknown, more: unknown) =>
        whenAtRest(() => {
          if (hash !== current) return;
          put(false, answer, more);
          if (done && !anew) write(requestHash, hash);
          else if (!done) current = undefined;
        });
      send?.().then(
        (answer) => finish(true, answer, third === "partial" ? answer : undefined),
        (error) => {
          host.log("warn", `${name}: ${describeThrown(error).message}`);
          // What an Error is as JSON.
          finish(false, undefined, third === "error" ? {} : undefined);
        },
      );
    });
  };
}

/** The inputs as plain values, read through aliases. */
function plain(tree: unknown, scope: Scope, reads: Reads): unknown {
  if (tree instanceof Alias) {
    const value = inputValue(tree, scope, reads);
    return isObject(value) ? parse(stringify(value)) : value;
  }
  if (isArray(tree)) return tree.map((part) => plain(part, scope, reads));
  return isObject(tree) ? mapObject(tree, (part) => plain(part, scope, reads)) : tree;
}

type FetchInputs = { url?: string; mode?: "json" | "text"; options?: RequestInit };

export const fetchData = asking("fetchData", "error", ({ url, mode = "json", options = {} }: FetchInputs) => ({
  about: { url, mode, options },
  send: url ? async () => {
    const response = await fetch(url, options);
    return mode === "json" ? response.json() : response.text();
  } : undefined,
}));

export const llm = asking("llm", "partial", (inputs) => {
  const { system, prompt, stop, model = "claude-3-5-sonnet", max_tokens = 4096 } = inputs;
  const messages = inputs.messages ?? [];
  const talk = prompt?.length > 0 ? [...messages, prompt] : messages;
  // These models take no system prompt: it goes before the question.
  const folds = String(model).startsWith("openai:o1");
  const asked = !folds ? talk : messages.length > 0 ? messages : [[system, prompt].filter(Boolean).join("\n\n")];
  const about = folds
    ? { messages: asked, model, max_tokens }
    : { system: system ?? "", messages, prompt: prompt ?? "", stop: stop ?? "", max_tokens, model };
  if (system === undefined || talk.length === 0) return { about };
  const turns = asked.map((content: string | object, i: number) => (
    isObject(content) ? content : { role: i % 2 === 0 ? "user" : "assistant", content }
  ));
  const body = stringify({ messages: turns, ...(folds ? {} : { system, prompt, stop }), max_tokens, model, stream: true });
  const url = environment().apiUrl + "/api/ai/llm";
  return { about, send: async () => answerText(await fetch(url, { method: "POST", body })) };
});

async function answerText(response: Response): Promise<string> {
  const text = await response.text();
  if (!response.ok) throw new Error(`the language model's service answered ${response.status}: ${text}`);
  if (response.headers.get("content-type") === "application/json") return (parse(text) as { content: string }).content;
  return text.split("\n").filter((line) => line !== "").map((line) => parse(line) as string).join("");
}

/** The last event of a stream that ends: a run can't keep a connection open. */
export const streamData = asking("streamData", "error", ({ url, options = {} }: FetchInputs) => ({
  about: { url, options },
  send: url ? async () => lastEvent(await (await fetch(url, options)).text()) : undefined,
}), true);

function lastEvent(text: string): unknown {
  const events = parse(host.events(text)) as { id: string; event: string; data: string }[];
  let last: unknown;
  for (const event of events) last = { ...event, data: parse(event.data) };
  return last;
}
