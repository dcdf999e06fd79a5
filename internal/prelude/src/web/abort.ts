// Abort signals and their events, as far as fetch and its callers need them.

import { setTimeout } from "./timers";

const codes: Record<string, number> = { InvalidCharacterError: 5, AbortError: 20, TimeoutError: 23, DataCloneError: 25 };

export class DOMException extends Error {
  constructor(message = "", name = "Error") {
    super(message);
    Object.defineProperty(this, "name", { value: name, configurable: true, writable: true });
  }

  get code(): number { return codes[this.name] ?? 0; }
}

type Event = { type: "abort"; target: AbortSignal };
type Listener = (event: Event) => void;

export class AbortSignal {
  aborted = false;
  reason: unknown = undefined;
  onabort: Listener | null = null;
  private readonly listeners = new Set<Listener>();

  addEventListener(_type: string, listener: Listener): void { this.listeners.add(listener); }
  removeEventListener(_type: string, listener: Listener): void { this.listeners.delete(listener); }
  throwIfAborted(): void { if (this.aborted) throw this.reason; }

  static abort(reason?: unknown): AbortSignal {
    const signal = new AbortSignal();
    signal.end(reason);
    return signal;
  }

  static timeout(ms: number): AbortSignal {
    const signal = new AbortSignal();
    setTimeout(() => signal.end(new DOMException("The operation timed out.", "TimeoutError")), ms);
    return signal;
  }

  /** Not of the web: what controllers call. A signal fires once. */
  end(reason: unknown = new DOMException("The operation was aborted.", "AbortError")): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const event: Event = { type: "abort", target: this };
    this.onabort?.(event);
    for (const listener of [...this.listeners]) listener.call(this, event);
  }
}

export class AbortController {
  readonly signal = new AbortSignal();

  abort(reason?: unknown): void { this.signal.end(reason); }
}
