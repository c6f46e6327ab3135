// The order of the test files: those that take longest first, so that no core is idle while the other ends one of them.
//
// Jest orders by what a file took last time, and in a clean clone by its size. These are long for their size: some run a program
// for a minute, one kills it fifty times.

// a CommonJS module, whose types have no default for `import`
import sequencing = require("@jest/test-sequencer");

const Sequencer = sequencing.default;
type Tests = Parameters<sequencing.default["sort"]>[0];

/** Files of about half a minute on two cores. */
const LONG = [
  ...["pipeline-faults", "typed-pages", "option-combinations", "contract", "crafted", "transform-stream"],
  ...["compare", "store", "ranking-shared"],
];

const isLong = ({ path }: Tests[number]): boolean => LONG.some((name) => path.endsWith(`/${name}.test.js`));

/** Jest's own order behind the long files. */
export default class LongestFirst extends Sequencer {
  override async sort(tests: Tests): Promise<Tests> {
    const sorted = await super.sort(tests);
    return [...sorted.filter(isLong), ...sorted.filter((test) => !isLong(test))];
  }
}
