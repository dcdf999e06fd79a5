// Rows of map that sleep: one that would compute again what it computed in the last committed run is not instantiated.
// A run leaves a memo of what its rows read; the next one is told which documents have changed since it was committed.
// A row wakes when something that it read changes, or an event is sent to it.

import { type Document, documentOf, type Place, Reads } from "../documents/document";
import type { EntityId } from "../documents/entity";
import { type Key, keys, stringify } from "../host/host";
import { isChanged, isChangedAt, isReplaced, type Memo, memo, none, recall, type Row } from "./memo";
import { Action, schedule } from "./scheduler";

declare module "../documents/document" {
  /** The maps over the list that is stored here. */
  interface Place { rows: Rows[] | undefined }
}

/** The instance that a row is, or one in it or around it. */
interface Instance {
  readonly parent: Instance | undefined; readonly inner: readonly Instance[]; readonly process: Document;
  readonly own: readonly Document[]; readonly actions: readonly Action[]; readonly maps: readonly Rows[];
  stop(): void;
}

let all: Rows[] = [];
/** The rows that sleep, by the documents that they read or consist of; undefined until somebody asks. */
let readers: Map<EntityId, [Rows, number][]> | undefined;
let owned = new Set<EntityId>();

const asleep = Symbol("asleep");

/** The rows of one map. */
export class Rows {
  /** By index; undefined where one must be started. */
  readonly state: (Instance | typeof asleep | null | undefined)[] = [];
  /** The map's own action, which starts what is missing. */
  action: Action | undefined;
  /** Starts one row at once. */
  start: (index: number) => void = () => {};
  moved = false;
  private list: Place | undefined;
  private readonly known: Memo[string] | undefined;

  constructor(readonly output: Document) {
    const last = memo[output.id];
    const isStale = ([id, ...path]: [EntityId, ...Key[]]) => isChangedAt(documentOf(id).root.at(path));
    if (last !== undefined && !last.shared.some(isStale)) this.known = last;
    all.push(this);
  }

  /** Where the list is; what is stored there and below wakes rows when it changes. */
  follow(list: Place | undefined): void {
    if (this.list === list) return;
    if (this.list !== undefined) this.wakeAll();
    this.list = list;
    if (list === undefined) return;
    (list.rows ??= []).push(this);
    if (this.known === undefined || this.known.shared.length === 0) return;
    const reads = new Reads();
    for (const [id, ...path] of this.known.shared) reads.add(documentOf(id).root.at(path));
    new Action({ kind: "lift", code: recall, label: "map" }, [], () => this.wakeAll()).subscribe(reads);
  }

  /** Puts a row to sleep instead of starting it, if nothing it read has changed. */
  sleeps(index: number): boolean {
    const row = this.known?.rows[index];
    if (!row || this.list === undefined) return false;
    const element = this.list.kids?.get(String(index));
    if (element === undefined ? isReplaced(this.list) : isChangedAt(element)) return false;
    if (row[0].some(isChanged) || row[1].some(isChanged)) return false;
    this.state[index] = asleep;
    readers = undefined;
    return true;
  }

  cut(length: number): void {
    if (this.state.length <= length) return;
    this.moved = true;
    readers = undefined;
    if (this.known !== undefined) this.known.rows.length = Math.min(this.known.rows.length, length);
    for (const row of this.state.splice(length)) if (typeof row === "object") row?.stop();
  }

  wake(index: number): void {
    if (this.known?.rows[index]) {
      this.known.rows[index] = 0;
      this.moved = true;
    }
    if (this.state[index] !== asleep) return;
    this.state[index] = undefined;
    if (this.action?.active) schedule(this.action);
  }

  wakeAll(): void { for (let i = 0; i < (this.known?.rows.length ?? 0); i++) this.wake(i); }

  startAwake(index: number): void {
    this.wake(index);
    if (this.action?.active && this.state[index] === undefined) this.start(index);
  }

  /** Whether the map failed before it came to all rows that are remembered. */
  unfinished(): boolean {
    const last = memo[this.output.id];
    return last !== undefined && last.rows.length !== this.state.length;
  }

  sleeping(visit: (row: [EntityId[], EntityId[]], index: number) => void): void {
    for (let i = 0; i < this.state.length; i++) if (this.state[i] === asleep) visit(this.known!.rows[i] as [EntityId[], EntityId[]], i);
  }

  /** What is to be remembered of these rows. */
  memo(): Memo[string] {
    const shared = new Map<string, [EntityId, ...Key[]]>();
    for (const place of this.known?.shared ?? []) shared.set(stringify(place), place);
    const rows = this.state.map((row, i): Row => {
      if (row === asleep) return this.known!.rows[i]!;
      if (!row || this.list === undefined) return 0;
      const seen = new Seen(this.list, i, row);
      if (!seen.scope(row)) return 0;
      for (const place of seen.shared) {
        const at: [EntityId, ...Key[]] = [place.doc.id, ...place.path];
        shared.set(stringify(at), at);
      }
      for (const id of seen.own) seen.read.delete(id);
      return [[...seen.own], [...seen.read]];
    });
    return { shared: [...shared.values()], rows };
  }
}

/** What a row has read, collected from its actions and those of the instances in it. */
class Seen {
  readonly own = new Set<EntityId>();
  readonly read = new Set<EntityId>();
  readonly shared = new Set<Place>();
  private readonly around = new Set<Document>();

  constructor(private readonly list: Place, private readonly index: number, row: Instance) {
    for (let scope = row.parent; scope !== undefined; scope = scope.parent) this.around.add(scope.process);
    this.around.add(list.doc);
  }

  /** Answers false if what the instance computes depends on more than what it read. */
  scope(scope: Instance): boolean {
    for (const doc of scope.own) this.own.add(doc.id);
    for (const action of scope.actions) {
      if (action.volatile) return false;
      for (const place of action.reads.places) if (!this.place(place)) return false;
    }
    for (const rows of scope.maps) {
      this.own.add(rows.output.id);
      for (const [id, ...path] of rows.memo().shared) this.shared.add(documentOf(id).root.at(path));
      rows.sleeping(([own, read]) => {
        own.forEach((id) => this.own.add(id));
        read.forEach((id) => this.read.add(id));
      });
    }
    return scope.inner.every((inner) => this.scope(inner));
  }

  private place(place: Place): boolean {
    const { doc } = place;
    if (doc.frozen) return true;
    if (!doc.stored) return false;
    if (!this.around.has(doc)) {
      this.read.add(doc.id);
      return true;
    }
    for (let at: Place = place; at.parent !== undefined; at = at.parent) {
      if (at.parent === this.list) return String(at.key) === String(this.index);
    }
    for (let at: Place | undefined = this.list; at !== undefined; at = at.parent) if (at === place) return false;
    this.shared.add(place);
    return true;
  }
}

function index(): Map<EntityId, [Rows, number][]> {
  if (readers !== undefined) return readers;
  readers = new Map();
  owned = new Set();
  for (const rows of all) {
    rows.sleeping(([own, read], i) => {
      for (const id of own) owned.add(id);
      for (const id of [...own, ...read]) {
        const at = readers!.get(id);
        if (at === undefined) readers!.set(id, [[rows, i]]);
        else at.push([rows, i]);
      }
    });
  }
  return readers;
}

const rowsOf = (doc: Document): [Rows, number][] => (all.length === 0 ? undefined : index().get(doc.id)) ?? [];

/** Wakes the rows that have read `doc`, which has changed. */
export function wakeReaders(doc: Document): void {
  if (doc.frozen || !doc.stored) return;
  for (const [rows, i] of rowsOf(doc)) rows.wake(i);
}

/** Starts the rows that `doc` is of, since an event was sent to it. */
export function startRows(doc: Document): void { for (const [rows, i] of rowsOf(doc)) rows.startAwake(i); }

/** Whether `doc` belongs to a row that sleeps. */
export function isAsleep(doc: Document): boolean {
  if (all.length > 0) index();
  return owned.has(doc.id);
}

/** What the next run is to be given; undefined if that is what this one was given. */
export function remembered(): Memo | undefined {
  if (all.length === 0 && memo === none) return undefined;
  const here = new Set(all.map((rows) => rows.output.id));
  const elsewhere = keys(memo).filter((id) => !here.has(id));
  readers = undefined; // rows have been woken and cut since it was made
  if (elsewhere.length > 0) index();
  // A map that is not here is in a row that sleeps, or has ended: what it read is not watched then.
  const kept = elsewhere.filter((id) => owned.has(id));
  if (kept.length === elsewhere.length && !all.some((rows) => rows.moved || rows.unfinished())) return undefined;
  const next: Memo = {};
  for (const id of kept) next[id] = memo[id]!;
  for (const rows of all) next[rows.output.id] = rows.memo();
  for (const id of keys(next)) if (next[id]!.rows.every((row) => row === 0)) delete next[id];
  return next;
}

/** Forgets the rows of an instance that has ended. */
export function drop(ended: Rows[]): void {
  if (ended.length > 0) all = all.filter((rows) => !ended.includes(rows));
}
