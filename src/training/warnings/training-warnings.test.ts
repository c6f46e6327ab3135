import { smallSplitWarnings, unmeasuredWarnings } from "./training-warnings.js";
import type { SplitParts } from "../reading/split-parts.js";

const parts = (valid: number, test: number) => {
  const part = (numRows: number) => ({ rows: new Uint32Array(numRows) });
  return { valid: part(valid), test: part(test) } as unknown as SplitParts["parts"];
};

test("a validation split of one to nine rows is warned of, with its size", () => {
  expect([1, 9].flatMap((n) => smallSplitWarnings(parts(n, 0)))).toEqual([
    "the validation split has 1 row: what is chosen by it, such as the best epoch, is mostly chance",
    "the validation split has 9 rows: what is chosen by it, such as the best epoch, is mostly chance",
  ]);
  expect([0, 10].flatMap((n) => smallSplitWarnings(parts(n, 0)))).toEqual([]);
});

test("a test split that nothing is measured on is warned of, with what to do", () => {
  expect(unmeasuredWarnings(parts(5, 490))).toEqual([
    "the 490 rows of the test split are held out, but this command measures nothing on them: omit --test to train on them, too",
  ]);
  expect(unmeasuredWarnings(parts(5, 0))).toEqual([]);
});
