// Events and abort signals, as far as fetch and its callers need them.

import { setTimeout } from "./timers";

const legacyCodes: Record<string, number> = { AbortError: 20, TimeoutError: 23, DataCloneError: 25, InvalidCharacterError: 5 };

export class DOMException extends Error {
  constructor(message = "", name = "Error") {
    super(message);
    Object.defineProperty(this, "name", { value: name, configurable: true, writable: true });
  }

  get code(): number {
    return legacyCodes[this.name] ?? 0;
  }
}

export class Event {
  target: EventTarget | null = null;
  defaultPrevented = false;

  constructor(readonly type: string, init: { cancelable?: boolean } = {}) {
    Object.assign(this, init);
  }

  preventDefault(): void {
    this.defaultPrevented = true;
  }
}

type Listener = ((event: Event) => void) | { handleEvent(event: Event): void };

export class EventTarget {
  private readonly listeners: { type: string; listener: Listener; once: boolean }[] = [];

  addEventListener(type: string, listener: Listener, options?: boolean | { once?: boolean }): void {
    if (this.listeners.some((known) => known.type === type && known.listener === listener)) return;
    this.listeners.push({ type, listener, once: typeof options === "object" && options.once === true });
  }

  removeEventListener(type: string, listener: Listener): void {
    const index = this.listeners.findIndex((known) => known.type === type && known.listener === listener);
    if (index >= 0) this.listeners.splice(index, 1);
  }

  dispatchEvent(event: Event): boolean {
    event.target = this;
    for (const { type, listener, once } of [...this.listeners]) {
      if (type !== event.type) continue;
      if (once) this.removeEventListener(type, listener);
      if (typeof listener === "function") listener.call(this, event);
      else listener.handleEvent(event);
    }
    return !event.defaultPrevented;
  }
}

export class AbortSignal extends EventTarget {
  aborted = false;
  reason: unknown = undefined;
  onabort: ((event: Event) => void) | null = null;

  static abort(reason?: unknown): AbortSignal {
    const signal = new AbortSignal();
    abort(signal, reason);
    return signal;
  }

  static timeout(ms: number): AbortSignal {
    const signal = new AbortSignal();
    setTimeout(() => abort(signal, new DOMException("The operation timed out.", "TimeoutError")), ms);
    return signal;
  }

  static any(signals: Iterable<AbortSignal>): AbortSignal {
    const any = new AbortSignal();
    for (const signal of signals) {
      if (signal.aborted) abort(any, signal.reason);
      else signal.addEventListener("abort", () => abort(any, signal.reason), { once: true });
    }
    return any;
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }
}

function abort(signal: AbortSignal, reason?: unknown): void {
  if (signal.aborted) return;
  signal.aborted = true;
  signal.reason = reason ?? new DOMException("The operation was aborted.", "AbortError");
  const event = new Event("abort");
  signal.onabort?.(event);
  signal.dispatchEvent(event);
}

export class AbortController {
  readonly signal = new AbortSignal();

  abort(reason?: unknown): void {
    abort(this.signal, reason);
  }
}
