// The array methods of views. Reading methods run on a copy made of views, changing ones on a copy of the stored array
// that then replaces it. Methods that are not listed are the native ones, working through the view.

import { type Place, type Reads, temporary } from "../documents/document";
import { type Fields, isObject, type Key } from "../host/host";
import { meetOutside } from "../host/outside";
import { append, replaceElements, storedForm } from "./write";

/** The view of an array, as far as its methods ask. */
interface ArrayView {
  readonly place: Place; readonly reads: Reads | undefined;
  field(raw: Fields, key: Key): unknown;
  /** The view of another place. */
  another(place: Place, reads?: Reads): unknown;
}

type Method = (...args: any[]) => unknown;

const reading = (
  "at concat entries every filter find findIndex findLast findLastIndex includes indexOf join keys lastIndexOf map " +
  "reduce reduceRight slice some toLocaleString toString values with"
).split(" ");

/** Changes `raw`, a copy of the stored elements. Returns what the method returns, or the array's view for `raw`. */
const changing: Record<string, (raw: unknown[], args: any[], of: ArrayView) => unknown> = {
  pop: (raw, _, of) => detached(of, raw.pop()),
  shift: (raw, _, of) => detached(of, raw.shift()),
  unshift: (raw, args, of) => raw.unshift(...args.map((value) => storedForm(of.place, value))),
  splice: (raw, args, of) => {
    const [start, count, ...added] = args;
    const stored = added.map((value) => storedForm(of.place, value));
    return detached(of, args.length < 2 ? raw.splice(...args as [number]) : raw.splice(start, count, ...stored));
  },
  reverse: (raw) => raw.reverse(),
  fill: (raw, [value, start, end], of) => {
    for (const i of raw.map((_, i) => i).slice(start, end)) raw[i] = storedForm(of.place, value);
    return raw;
  },
  sort: (raw, [compare], of) => {
    const pairs = raw.map((value, i) => ({ value, seen: of.field(raw as unknown as Fields, i) }));
    pairs.sort((a, b) => compare === undefined ? byText(String(a.seen), String(b.seen)) : compare(a.seen, b.seen));
    pairs.forEach((pair, i) => raw[i] = pair.value);
    return raw;
  },
};

/** Method name → what a view answers for it. */
export const arrayMethods = new Map<string, (of: ArrayView, raw: unknown[]) => Method>();

for (const name of reading) {
  const method = (Array.prototype as unknown as Record<string, Method>)[name]!;
  arrayMethods.set(name, (of, raw) => (...args) => method.apply(raw.map((_, i) => of.field(raw as any, i)), args));
}

for (const [name, change] of Object.entries(changing)) {
  arrayMethods.set(name, (of) => (...args) => {
    meetOutside();
    const copy = [...of.place.raw() as unknown[]]; // as it is now: an argument may have changed it, as in unshift(pop())
    const result = change(copy, args, of);
    replaceElements(of.place, copy);
    return result === copy ? of.another(of.place, of.reads) : result;
  });
}

arrayMethods.set("push", (of) => (...args) => {
  meetOutside();
  const length = (of.place.raw() as unknown[]).length + args.length;
  append(of.place, args);
  return length;
});

/** What was taken out of a document, as a view of a document of its own. */
function detached(of: ArrayView, value: unknown): unknown {
  return isObject(value) ? of.another(temporary(value).root) : value;
}

function byText(a: string, b: string): number { return a < b ? -1 : a > b ? 1 : 0; }
