// The rarely used ends of the builder: the class syntax that compiles to a recipe, and small predicates.

import { type Fields, isArray, isObject, keys, mapObject } from "../host/host";
import { derive, stream } from "./node";
import type { OpaqueRef } from "./opaque";
import { type Recipe, recipe } from "./recipe";

export const schema = <T>(value: T): T => value;
export const markAsStatic = (value: object): object => ({ $static: value });
export const isStatic = (value: unknown): boolean => isObject(value) && "$static" in value;
export const isModule = (value: unknown): boolean => typeof value === "function" && "implementation" in value;

export function deepEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b) || isArray(a) !== isArray(b)) return false;
  const names = keys(a);
  return names.length === keys(b).length && names.every((name) => name in b && deepEqual(a[name], b[name]));
}

const READ = Symbol("read");
type Read = (self: OpaqueRef) => OpaqueRef;

/** `$.a.b` stands for that part of a spell's state, `$.list.map(fn)` for what the method makes of it. */
function pathOf(read: Read): any {
  return new Proxy(() => {}, {
    get: (_, key) => typeof key === "string" ? pathOf((self) => read(self)[key]) : key === READ ? read : undefined,
    apply: (_, _this, args) => pathOf((self) => read(self)(...args)),
  });
}

export const $ = pathOf((self) => self);

/** A condition: the fields of `query`, those that are paths read from the state. */
export const select = (query: Fields) => (self: OpaqueRef): Fields =>
  mapObject(query, (value) => {
    const read = typeof value === "function" ? (value as { [READ]?: Read })[READ] : undefined;
    return read === undefined ? value : read(self);
  });

/** A condition: that the event happens. */
export const event = (name: string) => select({ $event: name });

type Update = (state: any, event?: any) => void;

/** A recipe as a class: the state is its argument. */
export abstract class Spell<State extends Fields> {
  private readonly listeners: { name: string; update: Update }[] = [];
  private readonly rules: { condition: (self: OpaqueRef) => unknown; update: Update }[] = [];
  private readonly streams: Record<string, OpaqueRef> = {};

  abstract init(): State;
  abstract render(state: any): unknown;

  update(self: any, values: Partial<State>): void { Object.assign(self, values); }
  addEventListener(name: string, update: Update): void { this.listeners.push({ name, update }); }
  addRule(condition: (self: OpaqueRef) => unknown, update: Update): void { this.rules.push({ condition, update }); }
  /** The stream of an event, for use in render(). */
  dispatch(name: string): OpaqueRef { return this.streams[name]; }

  compile(title = "Spell"): Recipe {
    return recipe(title, (self: OpaqueRef) => {
      const state: Record<string, OpaqueRef> = {};
      for (const [name, value] of Object.entries(this.init() ?? {})) {
        self[name].setDefault(value);
        state[name] = self[name];
      }
      for (const { name, update } of this.listeners) {
        derive({ self, $event: this.streams[name] ??= stream() }, ({ self, $event }: any) => update(self, $event));
      }
      for (const { condition, update } of this.rules) derive({ ...this.inputs(condition(self), self), self }, update);
      return { $UI: this.render(self), ...this.streams, ...state };
    });
  }

  private inputs(condition: unknown, self: OpaqueRef): Fields {
    if (isArray(condition)) return Object.fromEntries(condition.map((name) => [name, self[name]]));
    if (!isObject(condition)) return {};
    return "$event" in condition ? { ...condition, $event: this.streams[condition.$event as string] } : condition;
  }
}
