// Binding of the coordinate kernel: the functions of assembly/main.ts. Pointers are byte offsets into the shared
// memory, booleans are 0 or 1, and with a key of 0, functions use the minimizer or the mean where they would otherwise
// draw at random.

/**
 * Number of rows that one call handles: so few that their errors e and sums q of x v stay in the first-level cache
 * until the next function reads them.
 */
export const CALL_ROWS = 2048;
/** Number of features that one call handles. */
export const CALL_FEATURES = 1024;

export { AT_MEAN, DRAWN } from "./layout.js";
export type { Kernel as CoordinateKernel } from "./layout.js";
