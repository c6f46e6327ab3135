// Where a test file runs: jest's environment for Node, in a context whose global object is an ordinary one.
//
// Jest's context keeps its globals behind interceptors. Each `Math` or `Float64Array` that code names then costs microseconds in
// place of nanoseconds, which is most of what arithmetic in tests takes: a loop over Math.abs is a thousand times slower.

import type { ChildProcess } from "node:child_process";
import vm from "node:vm";
import { TestEnvironment } from "jest-environment-node";

/** The program that runs commands (resident.ts); one for all test files that a process of jest runs. */
export interface Resident {
  program?: ChildProcess | undefined;
  isBusy: boolean;
}

const resident: Resident = { isBusy: false };

/** As the context of jest's own is, in a realm of its own that ends with the test file. */
export default class PlainEnvironment extends TestEnvironment {
  constructor(...settings: ConstructorParameters<typeof TestEnvironment>) {
    const { createContext } = vm;
    // Node 20.18 and later make such contexts
    const ordinary = (vm.constants as Partial<typeof vm.constants> | undefined)?.DONT_CONTEXTIFY;
    // jest's constructor creates the context, fills it and keeps it; there is no other way in
    if (ordinary !== undefined) vm.createContext = () => createContext(ordinary);
    try {
      super(...settings);
    } finally {
      vm.createContext = createContext;
    }
    Object.assign(this.global, { resident });
  }
}
