// Binding of the coordinate kernel: the functions of assembly/main.ts. Pointers are byte offsets into the shared
// memory, and booleans are 0 or 1. A function whose random key is 0 uses the minimizer or the mean instead of a random
// draw.

/**
 * Number of rows that one call of a kernel function handles: so few that their errors e and sums q of x v stay in the
 * first-level cache until the next function reads them.
 */
export const CALL_ROWS = 2048;
/** Number of features that one call of a kernel function handles. */
export const CALL_FEATURES = 1024;

export { AT_MEAN, DRAWN } from "./layout.js";
export type { Kernel as CoordinateKernel } from "./layout.js";
