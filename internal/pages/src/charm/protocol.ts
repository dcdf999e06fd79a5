// What a page and the service say to each other; internal/live says it in Go.

export const version = 1;

export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };
export type Values = Record<string, Value>;

/** An element or a text, by the name it has on every page and after every restart. */
export interface NodeJSON {
  i: string;
  t?: string;
  e?: string;
  a?: Values;
  o?: string[];
  b?: Values;
  k?: NodeJSON[];
}

export type Op =
  | ["t", string, string]
  | ["a", string, Values]
  | ["o", string, string[]]
  | ["b", string, Values]
  | ["k", string, number, number, (NodeJSON | string)[]];

/** How the charm stands beside what it shows. */
export interface Standing {
  title: string;
  cut: boolean;
  removed?: boolean;
  registered?: boolean;
  integration?: string;
  disabled?: boolean;
  by?: string;
  reason?: string;
  waiting?: string;
  paused?: boolean;
  lost?: Lost[];
}

/** An account that a person must connect again. */
export interface Lost { id: string; provider: string; words: string; cell?: Value }

export interface Told {
  v?: number;
  tree?: NodeJSON;
  ops?: Op[];
  page?: Standing;
  /** The act is done, or must not be sent again; with an error it came to nothing. */
  done?: string;
  /** The act could not be carried out now and is to be sent again. */
  again?: string;
  error?: string;
  /** Where in the recipe the error arose, file.tsx:LINE:COLUMN. */
  at?: string;
}

/** What a person did: an event of a node, or a value for the cell it is bound to. */
export interface Act { id: string; node: string; event?: string; set?: string; value: Value }

const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A ULID: acts that are sent twice are told by it. */
export function newID(): string {
  let time = Date.now();
  let id = "";
  for (let i = 0; i < 10; i++, time = Math.floor(time / 32)) id = digits[time % 32] + id;
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) id += digits[byte % 32];
  return id;
}
