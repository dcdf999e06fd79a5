// Frames: what code is running inside of. Building a recipe, running a lift and running a handler each push one. Opaque
// refs belong to the frame they were made in; pushed objects get their identity from the frame's cause.

import type { Root } from "./opaque";
import type { Scope } from "./run";
import type { Reads } from "./scheduler";

export class Frame {
  /** Opaque refs made in this frame, in order. */
  readonly roots: Root[] = [];
  private idsGiven = 0;
  private causeMade: unknown;

  constructor(
    readonly parent: Frame | undefined,
    /** The running recipe instance; undefined while a recipe is loaded. */
    readonly scope?: Scope,
    readonly reads?: Reads,
    private readonly makeCause?: () => unknown,
    /** The cause never comes again: what it gives an id to can't have been stored before. */
    readonly once = false,
  ) {}

  /** What the ids of documents made in this frame depend on. Made when first asked for: most frames make none. */
  get cause(): unknown { return this.causeMade ??= this.makeCause?.(); }
  nextId(): number { return this.idsGiven++; }
}

let top: Frame | undefined;

export function topFrame(): Frame | undefined { return top; }

export function pushFrame(scope?: Scope, reads?: Reads, makeCause?: () => unknown, once?: boolean): Frame {
  // What is built inside a running function can use the cells of the instance that the function belongs to.
  return top = new Frame(top, scope ?? top?.scope, reads ?? top?.reads, makeCause, once);
}

/** Ends a frame, and with it any that were left above it. One that has ended already is left alone. */
export function popFrame(frame: Frame | undefined = top): void {
  let at = top;
  while (at !== undefined && at !== frame) at = at.parent;
  if (at !== undefined) top = at.parent;
}
