// The scheduler: one event at a time, then every action whose reads changed, in the order in which their writes feed
// each other's reads, until nothing is left (runtime spec §3.4). It goes on synchronously as long as nothing it runs
// returns a promise. Plain loops here and in what runs for every read and write: iterators and closures cost ten times
// as much in this engine.

import { type Place, Reads } from "../documents/document";
import { isThenable } from "../host/host";
import { outside, watchOutside } from "../host/outside";
import { describeThrown, type Failure } from "./failure";

/** A user's function, for reports: what it is for, and a name for it if it has none. */
export interface Source { kind: "handler" | "lift"; code: Function; label: string }

export interface EventHandler extends Source { handle(event: unknown): unknown }

declare module "../documents/document" {
  interface Place { readers: Action[] | undefined; handlers: EventHandler[] | undefined }
}

const mostRunsBetweenRests = 100;
const nothing = new Reads();
let turns = 0;

export class Action {
  reads = nothing;
  runs = 0;
  active = true;
  pending = false;
  /** Since when it is pending, or else subscribed, as a count of both. */
  since = 0;
  /** Used while a batch is put in order: the actions that read what it writes, and how many it waits for. */
  feeds: Action[] = [];
  waits = 0;
  /** What it did the last time depends on more than what it read, or was more than its output. */
  volatile = false;

  constructor(
    readonly source: Source,
    readonly writes: readonly Place[],
    readonly body: (reads: Reads) => unknown,
  ) {}

  /** Subscribes to `reads`, and to them only: a change at, above or below one of them makes the action run again. */
  subscribe(reads: Reads): void {
    const before = this.reads.places;
    for (let i = 0; i < before.length; i++) {
      const { readers = [] } = before[i]!;
      const at = readers.indexOf(this);
      if (at >= 0) readers.splice(at, 1);
    }
    this.reads = reads;
    this.since = ++turns;
    const now = reads.places;
    for (let i = 0; i < now.length; i++) (now[i]!.readers ??= []).push(this);
  }

  stop(): void {
    this.active = false;
    this.subscribe(nothing);
  }
}

const events: { handler: EventHandler; value: unknown }[] = [];
let pending: Action[] = [];
/** The actions that are about to run, the next one last. */
let batch: Action[] = [];
let ranSinceRest: Action[] = [];
let restWaiters: (() => void)[] = [];
let waking = false;
const ready = Promise.resolve();

export const failures: Failure[] = [];

/** What the scheduler waits for while a handler's or a lift's promise is pending. */
export let running: Source | undefined;

export function schedule(action: Action): void {
  if (action.pending) return;
  action.pending = true;
  action.since = ++turns;
  pending.push(action);
  wake();
}

export function deliver(handler: EventHandler, value: unknown): void {
  events.push({ handler, value });
  wake();
}

/** Calls `done` as soon as no action or handler is running and none is waiting to. */
export function whenAtRest(done: () => void): void {
  restWaiters.push(done);
  wake();
}

function wake(): void {
  if (waking || running !== undefined) return;
  waking = true;
  void ready.then(turn);
}

function turn(): void {
  do {
    for (;;) {
      for (let action = batch.pop(); action !== undefined; action = batch.pop()) if (!perform(action)) return;
      const event = events.shift();
      if (event !== undefined && !settle(event.handler, undefined, event.value)) return;
      if (pending.length > 0) {
        batch = inOrder(pending);
        pending = [];
      } else if (events.length === 0) break;
    }
    for (const action of ranSinceRest) action.runs = 0;
    ranSinceRest = [];
    const waiters = restWaiters;
    restWaiters = [];
    for (const done of waiters) done();
  } while (pending.length > 0 || events.length > 0);
  waking = false;
}

function perform(action: Action): boolean {
  // One that became pending again while it waited in the batch runs once.
  action.pending = false;
  if (!action.active) return true;
  if (action.runs === 0) ranSinceRest.push(action);
  if (++action.runs > mostRunsBetweenRests) {
    action.volatile = true;
    fail(action.source, new Error(`Too many iterations: ${action.runs} action`));
    return true;
  }
  return settle(action.source, action, undefined);
}

/** Runs an action or handles an event; answers false if that goes on in a promise: then turn() is called after it. */
function settle(source: Source, action: Action | undefined, event: unknown): boolean {
  const reads = new Reads();
  watchOutside();
  // While it runs an action is subscribed to nothing: so what it writes itself does not make it run again.
  action?.subscribe(nothing);
  try {
    const result = action === undefined ? (source as EventHandler).handle(event) : action.body(reads);
    if (action !== undefined) action.volatile = outside || isThenable(result);
    if (isThenable(result)) {
      running = source;
      const resume = () => {
        running = undefined;
        if (action?.active) action.subscribe(reads);
        turn();
      };
      result.then(resume, (thrown) => {
        fail(source, thrown);
        resume();
      });
      return false;
    }
  } catch (thrown) {
    if (action !== undefined) action.volatile = true;
    fail(source, thrown);
  }
  if (action?.active) action.subscribe(reads);
  return true;
}

function fail(source: Source, thrown: unknown): void {
  failures.push({ kind: source.kind, of: source.code.name || source.label, ...describeThrown(thrown) });
}

/**
 * The actions in the order in which they are to run, from last to first: as they became pending, but after those whose
 * output they read. In a circle the one that waits for the fewest goes on, of several the last.
 */
function inOrder(actions: Action[]): Action[] {
  if (actions.length < 2) return actions;
  for (const action of actions) {
    action.feeds = [...new Set(action.writes.flatMap((place) => readersAround(place, true)))].filter((fed) => fed !== action);
    for (let j = 0; j < action.feeds.length; j++) action.feeds[j]!.waits++;
  }
  const order = actions.filter(({ waits }) => waits === 0);
  let left = actions.length;
  for (let i = 0; i < actions.length; i++) {
    if (i === order.length) {
      while (actions[left - 1]!.waits <= 0) left--;
      let next = actions[left - 1]!;
      for (let j = left - 1; j > 0 && next.waits > 1; j--) if (actions[j - 1]!.waits > 0 && actions[j - 1]!.waits < next.waits) next = actions[j - 1]!;
      next.waits = 0;
      order.push(next);
    }
    const { feeds } = order[i]!;
    for (let j = 0; j < feeds.length; j++) if (--feeds[j]!.waits === 0) order.push(feeds[j]!);
  }
  for (let i = 0; i < order.length; i++) order[i]!.waits = 0;
  return order.reverse();
}

/** The actions that read something at, above or below `place`, the pending ones or the others, each in their order. */
export function readersAround(place: Place, pending: boolean): Action[] {
  const out: Action[] = [];
  for (let at = place.parent; at !== undefined; at = at.parent) addReaders(at, pending, out, false);
  addReaders(place, pending, out, true);
  return out.length > 1 ? out.sort((a, b) => a.since - b.since) : out;
}

function addReaders({ readers, kids }: Place, pending: boolean, out: Action[], below: boolean): void {
  if (readers !== undefined) for (let i = 0; i < readers.length; i++) if (readers[i]!.pending === pending) out.push(readers[i]!);
  if (below && kids !== undefined) for (const kid of kids.values()) addReaders(kid, pending, out, true);
}
