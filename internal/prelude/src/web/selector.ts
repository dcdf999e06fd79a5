// CSS selectors: names, #id, .class, attributes, the four combinators, lists, and the structural pseudo-classes that
// scraping uses.

import { DOMException } from "./abort";
import type { Element } from "./dom";

type Test = (element: Element) => boolean;

/** A compound selector and, by `combinator`, what must stand before or around it. */
export interface Selector {
  tests: Test[];
  combinator: " " | ">" | "+" | "~" | "";
  left: Selector | undefined;
}

const token =
  /\s*([>+~,])\s*|\s+|(\*|(?:[\w-]|[^\x00-\x7f]|\\.)+(?:\|(?:[\w-]|\\.)+)?)|#((?:[\w-]|\\.)+)|\.((?:[\w-]|\\.)+)|\[\s*([\w:-]+)\s*(?:([~|^$*]?=)\s*(?:"([^"]*)"|'([^']*)'|([^\]\s]+))\s*)?\]|:([\w-]+)(?:\(([^()]*)\))?/y;

export function parseSelector(text: string): Selector[] {
  const selectors: Selector[] = [];
  const source = text.trim();
  let at: Selector = { tests: [], combinator: "", left: undefined };
  token.lastIndex = 0;
  while (token.lastIndex < source.length) {
    const found = token.exec(source);
    if (found === null) throw new DOMException(`'${text}' is not a valid selector`, "SyntaxError");
    const [, combinator, name, id, className, attribute, operator, double, single, bare, pseudo, argument] = found;
    const test = name !== undefined
      ? nameTest(unescaped(name))
      : id !== undefined
      ? (element: Element) => element.id === unescaped(id)
      : className !== undefined
      ? (element: Element) => element.classList.contains(unescaped(className))
      : attribute !== undefined
      ? attributeTest(attribute, operator, double ?? single ?? bare ?? "")
      : pseudo !== undefined
      ? pseudoTest(pseudo, argument, text)
      : undefined;
    if (test !== undefined) at.tests.push(test);
    else if (combinator === ",") {
      selectors.push(at);
      at = { tests: [], combinator: "", left: undefined };
    } else at = { tests: [], combinator: (combinator ?? " ") as Selector["combinator"], left: at };
  }
  selectors.push(at);
  if (selectors.some((selector) => selector.tests.length === 0)) {
    throw new DOMException(`'${text}' is not a valid selector`, "SyntaxError");
  }
  return selectors;
}

export function matches({ tests, combinator, left }: Selector, element: Element): boolean {
  if (!tests.every((test) => test(element))) return false;
  if (left === undefined) return true;
  const step = (at: Element) => combinator === "+" || combinator === "~" ? at.previousElementSibling : at.parentElement;
  for (let at = step(element); at !== null; at = step(at)) {
    if (matches(left, at)) return true;
    if (combinator === ">" || combinator === "+") return false;
  }
  return false;
}

function unescaped(name: string): string {
  return name.replace(/\\(.)/g, "$1");
}

// A plain name is the local name, whatever the prefix; an escaped colon, and ns|name, ask for the qualified one.
function nameTest(name: string): Test {
  if (name === "*") return () => true;
  const qualified = name.replace("|", ":");
  return (element) => element.localName === name || element.named(qualified);
}

function attributeTest(name: string, operator: string | undefined, wanted: string): Test {
  const check: Record<string, (value: string) => boolean> = {
    "=": (value) => value === wanted,
    "~=": (value) => value.split(/\s+/).includes(wanted),
    "|=": (value) => value === wanted || value.startsWith(wanted + "-"),
    "^=": (value) => wanted !== "" && value.startsWith(wanted),
    "$=": (value) => wanted !== "" && value.endsWith(wanted),
    "*=": (value) => wanted !== "" && value.includes(wanted),
  };
  return (element) => {
    const value = element.getAttribute(name);
    return value !== null && (operator === undefined || check[operator]!(value));
  };
}

function pseudoTest(name: string, argument: string | undefined, text: string): Test {
  switch (name) {
    case "first-child":
      return (element) => element.previousElementSibling === null;
    case "last-child":
      return (element) => element.nextElementSibling === null;
    case "only-child":
      return (element) => element.previousElementSibling === null && element.nextElementSibling === null;
    case "empty":
      return (element) => element.childNodes.length === 0;
    case "nth-child": {
      const position = Number(argument);
      return (element) => element.parentNode!.children.indexOf(element) + 1 === position;
    }
    case "not": {
      const inner = parseNested(argument ?? "");
      return (element) => !inner.some((selector) => matches(selector, element));
    }
    default:
      throw new DOMException(`':${name}' in '${text}' is not supported`, "SyntaxError");
  }
}

function parseNested(text: string): Selector[] {
  const { lastIndex } = token;
  const inner = parseSelector(text);
  token.lastIndex = lastIndex;
  return inner;
}
