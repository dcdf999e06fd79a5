// CSS selectors: names, #id, .class, attributes, the four combinators, lists, and the structural pseudo-classes that
// scraping uses.

import { DOMException } from "./abort";

/** An element, as far as selectors ask. */
interface Candidate {
  readonly id: string; readonly localName: string; readonly classList: { contains(name: string): boolean };
  readonly parentNode: { readonly children: Candidate[] } | null; readonly parentElement: Candidate | null;
  readonly previousElementSibling: Candidate | null; readonly nextElementSibling: Candidate | null;
  named(name: string): boolean; getAttribute(name: string): string | null; hasAttribute(name: string): boolean;
}

type Test = (element: Candidate) => boolean;

/** A compound selector and, by `combinator`, what must stand before or around it. */
export interface Selector { tests: Test[]; combinator: string; left?: Selector }

const name = /(?:[\w-]|[^\x00-\x7f]|\\.)+/.source;
const token = new RegExp(
  `\\s*(?<combinator>[>+~,])\\s*|(?<space>\\s+)|(?<type>\\*|${name}(?:\\|${name})?)|#(?<id>${name})|\\.(?<class>${name})` +
    `|\\[\\s*(?<attribute>[\\w:-]+)\\s*` +
    `(?:(?<operator>[~^$*]?=)\\s*(?:"(?<double>[^"]*)"|'(?<single>[^']*)'|(?<bare>[^\\]\\s]+))\\s*)?\\]` +
    `|:(?<pseudo>[\\w-]+)(?:\\((?<argument>[^()]*)\\))?|(?<invalid>[^])`,
  "g",
);

export function parseSelector(text: string): Selector[] {
  const selectors: Selector[] = [];
  let at: Selector = { tests: [], combinator: "" };
  for (const { groups } of text.trim().matchAll(token)) {
    const part = groups as Record<string, string | undefined>;
    if (part.combinator === ",") {
      selectors.push(at);
      at = { tests: [], combinator: "" };
    } else if (part.combinator !== undefined || part.space !== undefined) {
      at = { tests: [], combinator: part.combinator ?? " ", left: at };
    } else at.tests.push(testOf(part, text));
  }
  selectors.push(at);
  if (selectors.some((selector) => selector.tests.length === 0)) throw invalid(text);
  return selectors;
}

const invalid = (text: string) => new DOMException(`'${text}' is not a selector that is supported`, "SyntaxError");

export function matchesAny(selectors: Selector[], element: Candidate): boolean {
  return selectors.some((selector) => matches(selector, element));
}

function matches({ tests, combinator, left }: Selector, element: Candidate): boolean {
  if (!tests.every((test) => test(element))) return false;
  if (left === undefined) return true;
  const step = (at: Candidate) => combinator === "+" || combinator === "~" ? at.previousElementSibling : at.parentElement;
  for (let at = step(element); at !== null; at = step(at)) {
    if (matches(left, at)) return true;
    if (combinator === ">" || combinator === "+") return false;
  }
  return false;
}

function testOf(part: Record<string, string | undefined>, text: string): Test {
  const { type, id, class: className, attribute, operator, pseudo, argument = "" } = part;
  const plain = (escaped: string) => escaped.replace(/\\(.)/g, "$1");
  if (type === "*") return () => true;
  // A plain name is the local name, whatever the prefix; an escaped colon, and ns|name, ask for the qualified one.
  const local = plain(type ?? "");
  if (type !== undefined) return (element) => element.localName === local || element.named(local.replace("|", ":"));
  if (id !== undefined) return (element) => element.id === plain(id);
  if (className !== undefined) return (element) => element.classList.contains(plain(className));
  if (attribute !== undefined) {
    const compare = comparisons[operator ?? ""]!;
    const wanted = part.double ?? part.single ?? part.bare ?? "";
    return (element) => element.hasAttribute(attribute) && compare(element.getAttribute(attribute)!, wanted);
  }
  const inner = pseudo === "not" ? parseSelector(argument) : [];
  if (pseudo === "not") return (element) => !matchesAny(inner, element);
  const test = pseudoClasses[pseudo ?? ""];
  if (test === undefined) throw invalid(text);
  return (element) => test(element, Number(argument));
}

const comparisons: Record<string, (value: string, wanted: string) => boolean> = {
  "": () => true,
  "=": (value, wanted) => value === wanted,
  "~=": (value, wanted) => value.split(/\s+/).includes(wanted),
  "^=": (value, wanted) => wanted !== "" && value.startsWith(wanted),
  "$=": (value, wanted) => wanted !== "" && value.endsWith(wanted),
  "*=": (value, wanted) => wanted !== "" && value.includes(wanted),
};

const pseudoClasses: Record<string, (element: Candidate, position: number) => boolean> = {
  "first-child": (element) => element.previousElementSibling === null,
  "last-child": (element) => element.nextElementSibling === null,
  "nth-child": (element, position) => element.parentNode!.children.indexOf(element) + 1 === position,
};
