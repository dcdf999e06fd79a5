// The rarely used ends of the builder: the class syntax that compiles to a recipe, and small predicates.

import { type Fields, isArray, isObject, keys } from "./host";
import { cell, handler, lift } from "./node";
import type { OpaqueRef } from "./opaque";
import { type Recipe, recipe } from "./recipe";

export function schema<T>(value: T): T {
  return value;
}

export function markAsStatic(value: object): object {
  return { $static: value };
}

export function isStatic(value: unknown): boolean {
  return isObject(value) && "$static" in value;
}

export function isModule(value: unknown): boolean {
  return typeof value === "function" && typeof (value as { type?: unknown }).type === "string";
}

export function deepEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b) || isArray(a) !== isArray(b)) return false;
  const names = keys(a);
  return names.length === keys(b).length && names.every((name) => name in b && deepEqual(a[name], b[name]));
}

/** `path.a.b` is a function that picks a.b out of a value. */
export const path: any = pick((value) => value);

function pick(from: (value: unknown) => unknown): unknown {
  return new Proxy(from, {
    get: (_, key) => pick((value) => {
      const whole = from(value);
      return isObject(whole) ? (whole as Fields)[key as string] : undefined;
    }),
  });
}

/** Names an event of a Spell. */
export function event(name: string): { $event: string } {
  return { $event: name };
}

type Update = (state: any, event?: any) => void;

export abstract class Spell<State extends Fields> {
  private readonly updates: { name: string; update: Update }[] = [];
  private readonly rules: { condition: (state: any) => unknown; update: Update }[] = [];
  private streams: Record<string, OpaqueRef> = {};

  abstract init(): State;
  abstract render(state: any): unknown;

  addEventListener(name: string, update: Update): void {
    this.updates.push({ name, update });
  }

  addRule(condition: (state: any) => unknown, update: Update): void {
    this.rules.push({ condition, update });
  }

  /** The stream of an event, for use in render(). */
  dispatch(name: string): OpaqueRef {
    return this.streams[name];
  }

  compile(title = "Spell"): Recipe {
    return recipe(title, () => {
      const initial = this.init();
      const state: Record<string, OpaqueRef> = {};
      for (const name of keys(initial)) state[name] = cell(initial[name]);
      for (const { name, update } of this.updates) {
        this.streams[name] = handler((event: unknown, props: unknown) => update(props, event))(state);
      }
      for (const { condition, update } of this.rules) {
        lift((current: Fields) => {
          if (condition(current)) update(current);
        })(state);
      }
      return { $NAME: title, $UI: this.render(state), ...state, ...this.streams };
    });
  }
}
