/**
 * Number of rows that one call of a kernel function handles: so few that their errors e and sums q of x v stay in the
 * first-level cache until the next function reads them.
 */
export const CALL_ROWS = 2048;
/** Number of features that one call of a kernel function handles. */
export const CALL_FEATURES = 1024;

export { AT_MEAN, DRAWN } from "./layout.js";
export type { Kernel as CoordinateKernel } from "./layout.js";
