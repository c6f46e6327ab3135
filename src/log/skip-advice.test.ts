import { skipAdvice } from "./skip-advice.js";

test("up to 5 % of bad rows, the advice is to skip them, with a limit that allows it; of more, none is given", () => {
  expect([skipAdvice(1, 10_000), skipAdvice(10, 1000), skipAdvice(25, 1000), skipAdvice(50, 1000)]).toEqual([
    "--on-bad-row skip skips such rows, under 0.1 % of the first 10,000 rows",
    "--on-bad-row skip skips such rows, 1.0 % of the first 1,000 rows",
    "--on-bad-row skip --max-bad 3% skips such rows, 2.5 % of the first 1,000 rows",
    "--on-bad-row skip --max-bad 5% skips such rows, 5.0 % of the first 1,000 rows",
  ]);
  expect(skipAdvice(970, 1000)).toBe("as in 97.0 % of the first 1,000 rows");
});
