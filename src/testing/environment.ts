// The environment of test files: jest's environment for Node, in a context with an ordinary global object.
//
// Jest's context intercepts accesses to globals. Each use of `Math` or `Float64Array` then costs microseconds instead
// of nanoseconds, which dominates arithmetic in tests: a loop over Math.abs is a thousand times slower.

import type { ChildProcess } from "node:child_process";
import vm from "node:vm";
import { TestEnvironment } from "jest-environment-node";
import { optimizeLate } from "./late-optimization.js";

optimizeLate();

/** The resident program that runs commands (resident.ts); all test files in a process of jest share it. */
export interface Resident {
  program?: ChildProcess | undefined;
  isBusy: boolean;
}

const resident: Resident = { isBusy: false };

/** Creates a separate realm per test file, like jest's own environment. */
export default class PlainEnvironment extends TestEnvironment {
  constructor(...settings: ConstructorParameters<typeof TestEnvironment>) {
    const { createContext } = vm;
    // vm.constants.DONT_CONTEXTIFY exists since Node 20.18
    const ordinary = (vm.constants as Partial<typeof vm.constants> | undefined)?.DONT_CONTEXTIFY;
    // jest's constructor calls createContext and keeps the result, so the function is replaced while the constructor
    // runs
    if (ordinary !== undefined) vm.createContext = () => createContext(ordinary);
    try {
      super(...settings);
    } finally {
      vm.createContext = createContext;
    }
    Object.assign(this.global, { resident });
  }
}
