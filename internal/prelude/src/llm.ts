// llm and streamData. llm asks the toolshed's model service; streamData would need a connection that outlives a run.

import { react, requestOutputs } from "./builtin";
import { apiURL } from "./environment";
import { plainInputs } from "./fetchdata";
import type { GraphNode } from "./graph";
import { host, parse, stringify } from "./host";
import type { Scope } from "./run";
import { whenAtRest } from "./scheduler";
import { fetch, type Response } from "./web/fetch";
import { URL } from "./web/url";
import { write } from "./write";

interface Inputs {
  prompt?: string;
  messages?: string[];
  system?: string;
  stop?: string;
  max_tokens?: number;
  model?: string;
}

export function llm(node: GraphNode, scope: Scope): void {
  const docs = requestOutputs("llm", ["pending", "result", "partial", "requestHash"], node, scope);
  let current: string | undefined;
  react(node, scope, (reads) => {
    const { system, prompt, messages = [], stop, max_tokens = 4096, model = "claude-3-5-sonnet" } =
      plainInputs<Inputs>(node.inputs, scope, reads);
    if (system === undefined || prompt === undefined && messages.length === 0) {
      write(docs.pending.root, false);
      return;
    }
    const talk = prompt === undefined ? messages : [...messages, prompt];
    const request = {
      messages: talk.map((content, i) => ({ role: i % 2 === 0 ? "user" : "assistant", content })),
      system, stop, max_tokens, model, stream: true,
    };
    const hash = host.refer(stringify(request), "string");
    if (hash === current || hash === docs.requestHash.read()) return;
    current = hash;
    write(docs.pending.root, true);
    write(docs.result.root, undefined);
    const finish = (result?: string) =>
      whenAtRest(() => {
        if (hash !== current) return;
        write(docs.pending.root, false);
        write(docs.result.root, result);
        write(docs.partial.root, result);
        if (result !== undefined) write(docs.requestHash.root, hash);
      });
    fetch(new URL("/api/ai/llm", apiURL()), { method: "POST", body: stringify(request) })
      .then(answerOf)
      .then(finish, () => finish());
  });
}

async function answerOf(response: Response): Promise<string> {
  const text = await response.text();
  if (!response.ok) throw new Error(`The model service answered ${response.status}`);
  if (response.headers.get("content-type") === "application/json") return (parse(text) as { content: string }).content;
  return text.split("\n").filter((line) => line !== "").map((line) => parse(line) as string).join("");
}

export function streamData(): void {
  throw new Error("streamData is not available in the background: a run can't keep a connection open.");
}
