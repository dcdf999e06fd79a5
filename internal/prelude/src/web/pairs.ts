// What URLSearchParams and Headers have in common: they are lists of names and values.

export type Pair = [name: string, value: string];
export type PairsInit = Record<string, unknown> | Iterable<readonly unknown[]>;

export abstract class Pairs {
  abstract entries(): IterableIterator<Pair>;
  keys(): IterableIterator<string> { return [...this].map((pair) => pair[0])[Symbol.iterator](); }
  values(): IterableIterator<string> { return [...this].map((pair) => pair[1])[Symbol.iterator](); }
  [Symbol.iterator](): IterableIterator<Pair> { return this.entries(); }

  forEach(callback: (value: string, name: string, pairs: this) => void): void {
    for (const [name, value] of this) callback(value, name, this);
  }
}

export function pairsOf(init: PairsInit): Iterable<readonly unknown[]> {
  return Symbol.iterator in init ? init as Iterable<readonly unknown[]> : Object.entries(init);
}

/** Fields that are bookkeeping: URL, Headers and the like show no fields of their own. */
export function hide(object: object, ...fields: string[]): void {
  for (const field of fields) Object.defineProperty(object, field, { enumerable: false });
}
