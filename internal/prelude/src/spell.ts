// The rarely used ends of the builder: the class syntax that compiles to a recipe, and small predicates.

import { type Fields, isArray, isObject, keys } from "./host";
import { cell, handler, lift } from "./node";
import type { OpaqueRef } from "./opaque";
import { type Recipe, recipe } from "./recipe";

export const schema = <T>(value: T): T => value;
export const markAsStatic = (value: object): object => ({ $static: value });
export const isStatic = (value: unknown): boolean => isObject(value) && "$static" in value;
export const isModule = (value: unknown): boolean => typeof value === "function" && "implementation" in value;
export const event = (name: string): { $event: string } => ({ $event: name });

export function deepEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b) || isArray(a) !== isArray(b)) return false;
  const names = keys(a);
  return names.length === keys(b).length && names.every((name) => name in b && deepEqual(a[name], b[name]));
}

/** `path.a.b` is a function that picks a.b out of a value. */
const pick = (from: (value: any) => any): any => new Proxy(from, { get: (_, key) => pick((value) => from(value)?.[key]) });
export const path = pick((value) => value);

type Update = (state: any, event?: any) => void;

export abstract class Spell<State extends Fields> {
  private readonly updates: { name: string; update: Update }[] = [];
  private readonly rules: { condition: (state: any) => unknown; update: Update }[] = [];
  private readonly streams: Record<string, OpaqueRef> = {};

  abstract init(): State;
  abstract render(state: any): unknown;

  addEventListener(name: string, update: Update): void { this.updates.push({ name, update }); }
  addRule(condition: (state: any) => unknown, update: Update): void { this.rules.push({ condition, update }); }
  /** The stream of an event, for use in render(). */
  dispatch(name: string): OpaqueRef { return this.streams[name]; }

  compile(title = "Spell"): Recipe {
    return recipe(title, () => {
      const state: Record<string, OpaqueRef> = {};
      for (const [name, value] of Object.entries(this.init())) state[name] = cell(value);
      for (const { name, update } of this.updates) {
        this.streams[name] = handler((event: unknown, props: unknown) => update(props, event))(state);
      }
      for (const { condition, update } of this.rules) {
        lift((current: Fields) => void (condition(current) && update(current)))(state);
      }
      return { $NAME: title, $UI: this.render(state), ...state, ...this.streams };
    });
  }
}
