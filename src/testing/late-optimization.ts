import { setFlagsFromString } from "node:v8";

/**
 * The options of Node that make V8 optimize functions later. Most commands of the tests take a fraction of a second, in
 * which the optimizing compiler takes more time than its code saves. The budget is in bytes of bytecode that a function
 * runs; Node 20's default is 67,584. Later versions of Node refuse the option.
 */
export const OPTIMIZE_LATE: readonly string[] = process.versions.node.startsWith("20.")
  ? ["--interrupt-budget=1000000"]
  : [];

/** Makes V8 optimize functions later in this process. */
export function optimizeLate(): void {
  OPTIMIZE_LATE.forEach((option) => setFlagsFromString(option));
}
