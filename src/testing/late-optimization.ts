import { setFlagsFromString } from "node:v8";

/**
 * Makes V8 optimize functions later in this process. Most commands of the tests take a fraction of a second, in which
 * the optimizing compiler takes more time than its code saves.
 */
export function optimizeLate(): void {
  // the budget is in bytes of bytecode that a function runs; Node 20's default is 67,584
  setFlagsFromString("--interrupt-budget=1000000");
}
