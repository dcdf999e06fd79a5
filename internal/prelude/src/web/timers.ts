// Timers over the host's virtual clock.

import { host } from "../host";
import { begin, forget } from "./operation";

type Callback = (...args: unknown[]) => void;

function start(callback: Callback, ms: unknown, repeat: 0 | 1, args: unknown[]): number {
  const op = begin(() => {
    if (repeat === 0) forget(op);
    callback(...args);
  });
  const delay = Number(ms);
  host.timer(op, delay > 0 ? delay : 0, repeat);
  return op;
}

export function setTimeout(callback: Callback, ms?: unknown, ...args: unknown[]): number {
  return start(callback, ms, 0, args);
}

export function setInterval(callback: Callback, ms?: unknown, ...args: unknown[]): number {
  return start(callback, ms, 1, args);
}

export function clearTimeout(op?: unknown): void {
  if (typeof op === "number" && forget(op)) host.cancel(op);
}

export function queueMicrotask(callback: () => void): void {
  // Not through a promise's own rejection: an error in a microtask is an error nobody handled.
  void Promise.resolve().then(callback);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(() => resolve(), ms));
}
