// Orders the test files: the slowest first, so that no core is idle at the end.
//
// Jest orders by the last duration, and in a new clone by file size. The files listed here are slow for their size:
// some run a program for a minute, one kills it again and again.

// a CommonJS module, whose types have no default for `import`
import sequencing = require("@jest/test-sequencer");

const Sequencer = sequencing.default;
type Tests = Parameters<sequencing.default["sort"]>[0];

/** Names of test files that take about half a minute on two cores; these start first. */
const LONG = [
  ...["pipeline-faults", "typed-pages", "option-combinations", "contract", "crafted", "mcmc"],
  ...["compare", "store", "ranking-shared", "needs", "duckdb"],
];

const isLong = ({ path }: Tests[number]): boolean => LONG.some((name) => path.endsWith(`/${name}.test.js`));

/** Puts the slow files before jest's own order. */
export default class LongestFirst extends Sequencer {
  override async sort(tests: Tests): Promise<Tests> {
    const sorted = await super.sort(tests);
    return [...sorted.filter(isLong), ...sorted.filter((test) => !isLong(test))];
  }
}
