import { setFlagsFromString } from "node:v8";

/**
 * The option of V8 that makes it optimize functions later. Most commands of the tests take a fraction of a second, in
 * which the optimizing compiler takes more time than its code saves. The budget is in bytes of bytecode that a function
 * runs; Node 20's default is 67,584.
 */
export const OPTIMIZE_LATE = "--interrupt-budget=1000000";

/** Makes V8 optimize functions later in this process. */
export function optimizeLate(): void {
  setFlagsFromString(OPTIMIZE_LATE);
}
