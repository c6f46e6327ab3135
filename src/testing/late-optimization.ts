// Makes V8 optimize functions later in a process of tests. Most commands of the tests take a fraction of a second, in
// which the optimizing compiler takes more time than its code saves.

import { setFlagsFromString } from "node:v8";

// the budget is in bytes of bytecode that a function runs; Node 20's default is 67,584
setFlagsFromString("--interrupt-budget=1000000");
