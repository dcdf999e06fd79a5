// Date over the run's virtual clock. The prototype is the native one, so that dates are dates everywhere; the
// constructor uses Reflect.construct, so that classes may extend it.

import { host, NativeDate } from "../host";

function VirtualDate(this: unknown, ...args: unknown[]): unknown {
  const target = new.target as Function | undefined;
  if (target === undefined) return new NativeDate(host.now()).toString();
  return Reflect.construct(NativeDate, args.length === 0 ? [host.now()] : args, target);
}

Object.defineProperties(VirtualDate, {
  prototype: { value: NativeDate.prototype, writable: false },
  length: { value: 7 },
  name: { value: "Date" },
  now: { value: () => Math.floor(host.now()), writable: true, configurable: true },
  parse: { value: NativeDate.parse, writable: true, configurable: true },
  UTC: { value: NativeDate.UTC, writable: true, configurable: true },
});
Object.defineProperty(NativeDate.prototype, "constructor", { value: VirtualDate, writable: true, configurable: true });

export { VirtualDate };

let origin: number | undefined;

/** Milliseconds since the clock was first asked in this run. */
export const performance = {
  get timeOrigin(): number {
    return origin ??= host.now();
  },
  now(): number {
    return host.now() - performance.timeOrigin;
  },
};
