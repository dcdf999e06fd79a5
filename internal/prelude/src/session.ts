// What this run is about. Filled by start(), read by the parts that need it.

export interface Task {
  mode: "cast" | "event";
  charm: string;
  process: string;
  space: string;
  recipe: string;
  argument?: unknown;
  stream?: (string | number)[];
  event?: unknown;
  run: string;
}

export const session = {
  space: "",
  /** Every document that this run makes is new, so the host need not be asked for a stored one. */
  fresh: false,
  /** The recipe asked for another run at once. */
  again: false,
};
