// Frames: what code is running inside of. Building a recipe, running a lift and running a handler each push one. Opaque
// refs belong to the frame they were made in, and so do the nodes that these feed; pushed objects get their identity from
// the frame's cause.

import type { Place, Reads } from "../documents/document";
import type { Key } from "../host/host";
import type { Plan, Schema } from "./schema";

export class Frame {
  /** Opaque refs made in this frame, in order. */
  readonly roots: Root[] = [];
  private idsGiven = 0;
  private causeMade: unknown;

  constructor(
    readonly parent: Frame | undefined,
    /** The running recipe instance; undefined while a recipe is loaded. */
    readonly scope?: Instance,
    readonly reads?: Reads,
    private readonly makeCause?: () => unknown,
    /** The cause never comes again: what it gives an id to can't have been stored before. */
    readonly once = false,
  ) {}

  /** What the ids of documents made in this frame depend on. Made when first asked for: most frames make none. */
  get cause(): unknown { return this.causeMade ??= this.makeCause?.(); }
  nextId(): number { return this.idsGiven++; }
}

/** A running instance, as far as frames go: it knows where cells are stored. */
interface Instance { placeOf(root: Root, path: readonly Key[]): Place | undefined }

/** The cell that a family of refs stands for. */
export class Root {
  defaults: unknown;
  name: string | undefined;
  readonly nodes = new Set<Node>();
  /** Where the graph that the root became part of keeps it; the refs of a root without are still being built. */
  owner: object | undefined;
  path: readonly Key[] = [];
  /** A stored value that the root stands for. */
  existing: Place | undefined;

  constructor(readonly frame: Frame, public value: unknown, readonly schema: Schema | undefined) {}
}

export interface Module {
  type: "javascript" | "recipe" | "ref";
  implementation: any;
  wrapper?: "handler";
  argumentSchema?: Schema;
  resultSchema?: Schema;
  /** How the argument is read; without one the function gets a view. */
  plan?: Plan;
  /** What the JSON of a graph says of a function of ours: the original's text. */
  text?: string;
}

/** A node while its graph is being built: inputs and outputs still hold refs. */
export interface Node { module: Module; inputs: unknown; outputs: unknown; frame: Frame }

let top: Frame | undefined;

export function topFrame(): Frame | undefined { return top; }

export function pushFrame(scope?: Instance, reads?: Reads, makeCause?: () => unknown, once?: boolean): Frame {
  // What is built inside a running function can use the cells of the instance that the function belongs to.
  return top = new Frame(top, scope ?? top?.scope, reads ?? top?.reads, makeCause, once);
}

/** Ends a frame, and with it any that were left above it. One that has ended already is left alone. */
export function popFrame(frame: Frame | undefined = top): void {
  let at = top;
  while (at !== undefined && at !== frame) at = at.parent;
  if (at !== undefined) top = at.parent;
}
