// The environment of test files: jest's environment for Node, in a context with an ordinary global object.
//
// Jest's context intercepts accesses to globals. Each use of `Math` or `Float64Array` then costs microseconds instead
// of nanoseconds, which dominates arithmetic in tests: a loop over Math.abs is a thousand times slower.

import type { ChildProcess } from "node:child_process";
import vm from "node:vm";
import { TestEnvironment } from "jest-environment-node";
import { optimizeLate } from "./late-optimization.js";
import { processorSeconds, recordTime } from "./processor-time.js";

optimizeLate();

/** The resident program that runs commands (resident.ts); all test files in a process of jest share it. */
export interface Resident {
  program?: ChildProcess | undefined;
  isBusy: boolean;
}

const resident: Resident = { isBusy: false };

/** Processor time so far of this process, of the resident program, and of the processes that they have started. */
function secondsSoFar(): number {
  const pid = resident.program?.pid;
  return processorSeconds("self") + (pid === undefined ? 0 : processorSeconds(pid));
}

/** Creates a separate realm per test file, like jest's own environment, and records the file's processor time. */
export default class PlainEnvironment extends TestEnvironment {
  readonly #path: string;
  readonly #before = secondsSoFar();

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
    this.#path = settings[1].testPath;
  }

  override async teardown(): Promise<void> {
    await super.teardown();
    recordTime(this.#path, secondsSoFar() - this.#before);
  }
}
