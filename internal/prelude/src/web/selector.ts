// CSS selectors: which elements they match. The host reads them.

import { host, parse } from "../host/host";
import { DOMException } from "./abort";

/** An element, as far as selectors ask. */
interface Candidate {
  readonly id: string; readonly localName: string; readonly classList: { contains(name: string): boolean };
  readonly parentNode: { readonly children: Candidate[] } | null; readonly parentElement: Candidate | null;
  readonly previousElementSibling: Candidate | null; readonly nextElementSibling: Candidate | null;
  named(name: string): boolean; getAttribute(name: string): string | null; hasAttribute(name: string): boolean;
}

/** A condition on an element; of "not" that none of the selectors in it matches. */
interface Test { kind: string; name: string; operator: string; value: string; inner: Selector[] }

/** Compound selectors, each with what stands between it and the one to the left. */
export type Selector = { tests: Test[]; combinator: string }[];

export function parseSelector(text: string): Selector[] {
  const { selectors, invalid } = parse(host.selector(text)) as { selectors: Selector[]; invalid?: string };
  if (invalid !== undefined) throw new DOMException(`'${invalid}' is not a selector that is supported`, "SyntaxError");
  return selectors;
}

export function matchesAny(selectors: Selector[], element: Candidate): boolean {
  return selectors.some((selector) => matches(selector, element, selector.length - 1));
}

function matches(selector: Selector, element: Candidate, last: number): boolean {
  const { tests, combinator } = selector[last]!;
  if (!tests.every((test) => kinds[test.kind]!(element, test))) return false;
  if (last === 0) return true;
  const step = (at: Candidate) => combinator === "+" || combinator === "~" ? at.previousElementSibling : at.parentElement;
  for (let at = step(element); at !== null; at = step(at)) {
    if (matches(selector, at, last - 1)) return true;
    if (combinator === ">" || combinator === "+") return false;
  }
  return false;
}

const kinds: Record<string, (element: Candidate, test: Test) => boolean> = {
  any: () => true,
  // A plain name is the local name, whatever the prefix; an escaped colon, and ns|name, ask for the qualified one.
  type: (element, { name }) => element.localName === name || element.named(name.replace("|", ":")),
  id: (element, { name }) => element.id === name,
  class: (element, { name }) => element.classList.contains(name),
  attribute: (element, { name, operator, value }) => (
    element.hasAttribute(name) && comparisons[operator]!(element.getAttribute(name)!, value)
  ),
  not: (element, { inner }) => !matchesAny(inner, element),
  "first-child": (element) => element.previousElementSibling === null,
  "last-child": (element) => element.nextElementSibling === null,
  "nth-child": (element, { value }) => element.parentNode!.children.indexOf(element) + 1 === Number(value),
};

const comparisons: Record<string, (value: string, wanted: string) => boolean> = {
  "": () => true,
  "=": (value, wanted) => value === wanted,
  "~=": (value, wanted) => value.split(/\s+/).includes(wanted),
  "^=": (value, wanted) => wanted !== "" && value.startsWith(wanted),
  "$=": (value, wanted) => wanted !== "" && value.endsWith(wanted),
  "*=": (value, wanted) => wanted !== "" && value.includes(wanted),
};
