// The module turndown: HTML to Markdown. The host does the work; elements that rules of the recipe are for come back
// between marks, so that those can be applied here, the innermost first.

import { host, isArray, parse, stringify } from "../host/host";

interface Element { nodeName: string; textContent: string; getAttribute(name: string): string | null }
interface Rule { filter: string | string[]; replacement: (content: string, node: Element, options: object) => string }

const marked = /\u0001([^\u0001-\u0003]*)\u0002([^\u0001-\u0003]*)\u0003/;

export default class TurndownService {
  private readonly rules: Rule[] = [];

  constructor(readonly options: Record<string, unknown> = {}) {}

  /** The rule that was added last goes first. */
  addRule(_name: string, rule: Rule): this {
    if (typeof rule.filter !== "string" && !isArray(rule.filter)) {
      throw new Error("The filter of a rule for turndown must be the name of an element, or a list of names, here");
    }
    this.rules.unshift(rule);
    return this;
  }

  remove(filter: string | string[]): this { return this.addRule("", { filter, replacement: () => "" }); }

  use(plugins: ((service: this) => void) | ((service: this) => void)[]): this {
    for (const plugin of [plugins].flat()) plugin(this);
    return this;
  }

  turndown(html: string | { outerHTML: string }): string {
    const filters = this.rules.map(({ filter }) => [filter].flat().map((name) => name.toLowerCase()));
    const text = typeof html === "string" ? html : html.outerHTML;
    let out = host.markdown(text, stringify({ ...this.options, filters }));
    for (let match = marked.exec(out); match !== null; match = marked.exec(out)) {
      const [all, about, content] = match as unknown as [string, string, string];
      const { rule, name, attributes } = parse(about) as { rule: number; name: string; attributes: Record<string, string> };
      const node = { nodeName: name, textContent: content, getAttribute: (key: string) => attributes[key] ?? null };
      out = out.slice(0, match.index) + this.rules[rule]!.replacement(content, node, this.options) +
        out.slice(match.index + all.length);
    }
    return this.rules.length === 0 ? out : out.replace(/\n{3,}/g, "\n\n").trim();
  }
}
