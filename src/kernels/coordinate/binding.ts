// The coordinate kernel as the rest of the program sees it: its functions, of assembly/main.ts. Pointers are byte
// offsets into the shared memory, booleans are 0 or 1, a key of 0 takes minimizers and means in place of draws.

/** Rows of one call: their e and q stay in the nearest cache from one function to the next. */
export const CALL_ROWS = 2048;
/** Features of one call. */
export const CALL_FEATURES = 1024;

export { AT_MEAN, DRAWN } from "./layout.js";
export type { Kernel as CoordinateKernel } from "./layout.js";
