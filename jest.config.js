// Settings of the quick tests, `npm test`, which are run as the compiler writes them into dist/. Tests whose files are
// called NAME.long.test.ts are left to jest.long.config.js.

import { availableParallelism } from "node:os";

export default {
  rootDir: "dist",
  testMatch: ["<rootDir>/**/*.test.js"],
  testPathIgnorePatterns: ["\\.long\\.test\\.js$"],
  transform: {},
  testEnvironment: "<rootDir>/testing/environment.js",
  reporters: ["default", "summary", "<rootDir>/testing/reporter.js"],
  // more test files than cores at a time displace each other's data from the caches: on two cores, four files take 30 %
  // more processor time than two
  maxWorkers: Math.min(4, availableParallelism()),
  // modules of a test file stay in the memory of its process, whose garbage collector then visits them again and again;
  // a process that has more is replaced
  workerIdleMemoryLimit: "512MB",
  testTimeout: 60_000,
};
