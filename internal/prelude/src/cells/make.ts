// How cells are made: they read through schemas themselves, and so stand above those who read.

import type { Place, Reads } from "../documents/document";
import type { Plan, Schema } from "./schema";

/** A cell or stream for what is stored at `place`. */
export let cellOf: (place: Place, plan: Plan, reads?: Reads) => unknown;

/** A cell of `place` itself. */
export let newCell: (place: Place, schema: Schema | undefined, root: Schema, reads?: Reads) => unknown;

export function makeCellsBy(of: typeof cellOf, at: typeof newCell): void { [cellOf, newCell] = [of, at]; }
