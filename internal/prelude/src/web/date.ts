// Date over the run's virtual clock. The prototype is the native one, so that dates are dates everywhere; the
// constructor uses Reflect.construct, so that classes may extend it.

import { host, NativeDate } from "../host/host";
import { meetOutside } from "../host/outside";

function now(): number {
  meetOutside();
  return host.now();
}

export function VirtualDate(this: unknown, ...args: unknown[]): unknown {
  const target = new.target as Function | undefined;
  if (target === undefined) return new NativeDate(now()).toString();
  return Reflect.construct(NativeDate, args.length === 0 ? [now()] : args, target);
}

const method = (value: Function) => ({ value, writable: true, configurable: true });
Object.defineProperties(VirtualDate, {
  prototype: { value: NativeDate.prototype, writable: false },
  length: { value: 7 },
  name: { value: "Date" },
  now: method(() => Math.floor(now())),
  parse: method(NativeDate.parse),
  UTC: method(NativeDate.UTC),
});
Object.defineProperty(NativeDate.prototype, "constructor", method(VirtualDate));

let origin: number | undefined;

/** Milliseconds since the clock was first asked in this run. */
export const performance = {
  get timeOrigin(): number { return origin ??= now(); },
  now: (): number => now() - performance.timeOrigin,
};
