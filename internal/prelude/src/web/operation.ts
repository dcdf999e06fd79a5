// Operations that the host ends later: fetches and timers. Each has a number, by which settle() finds what waits.

import { meetOutside } from "../host/outside";

type Ended = (head: string, body: Uint8Array) => void;

let last = 0;
const waiting = new Map<number, Ended>();

export function begin(ended: Ended): number {
  meetOutside();
  waiting.set(++last, ended);
  return last;
}

export const forget = (op: number): boolean => waiting.delete(op);

/** Called by the host. A late answer to something forgotten is dropped. */
export function settle(op: number, head: string, body = new Uint8Array(0)): void { waiting.get(op)?.(head, body); }
