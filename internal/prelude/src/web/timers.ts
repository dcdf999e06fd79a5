// Timers over the host's virtual clock.

import { host } from "../host/host";
import { begin, forget } from "./operation";

type Callback = (...args: unknown[]) => void;

const starter = (repeat: 0 | 1) => (callback: Callback, ms?: unknown, ...args: unknown[]): number => {
  const op = begin(() => {
    if (repeat === 0) forget(op);
    callback(...args);
  });
  const delay = Number(ms);
  host.timer(op, delay > 0 ? delay : 0, repeat);
  return op;
};

export const setTimeout = starter(0);
export const setInterval = starter(1);

export function clearTimeout(op?: unknown): void { if (typeof op === "number" && forget(op)) host.cancel(op); }
export function queueMicrotask(callback: () => void): void { void Promise.resolve().then(callback); }
export function sleep(ms: number): Promise<void> { return new Promise((resolve) => setTimeout(() => resolve(), ms)); }
