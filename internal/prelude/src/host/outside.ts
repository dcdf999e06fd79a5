// The world outside of the inputs and the output of what runs: clock, log, network, cells.

import { host, parse } from "./host";

/** Whether the code that runs has met it. */
export let outside = false;

/** Notes that the code that runs uses or changes something else than its inputs and its output. */
export function meetOutside(): void { outside = true; }

/** Begins to watch anew, before other code runs. */
export function watchOutside(): void { outside = false; }

export function environment(): { apiUrl: string; occasion: string } {
  meetOutside();
  return parse(host.env());
}
