import { integerBelow, mulberry32 } from "../../testing/random.js";
import { DuplicateRows } from "./key-facts.js";

/** Counts rows of three columns in batches; `isRepeat` decides which rows repeat the previous row. */
function rowsOf(numRows: number, isRepeat: (row: number) => boolean, mostKept?: number): DuplicateRows {
  const counted = new DuplicateRows(mostKept);
  let number = 0;
  for (let first = 0; first < numRows; first += 700) {
    const length = Math.min(700, numRows - first);
    const columns = [0, 1, 2].map(() => new Uint32Array(length));
    for (let row = 0; row < length; row++) {
      if (!isRepeat(first + row)) number++;
      [number % 50, Math.floor(number / 50) % 60, Math.floor(number / 3000)].forEach(
        (code, c) => (columns[c]![row] = code),
      );
    }
    counted.add(columns, length);
  }
  return counted;
}

test("few rows are counted exactly, wherever their repeats stand", () => {
  const { rows, share, exact } = rowsOf(100_000, (row) => row % 10 === 9).found();
  expect({ rows, exact }).toEqual({ rows: 10_000, exact: true });
  expect(share).toBeCloseTo(0.1, 10);
  // The same 50 rows repeat; some have missing cells.
  const again = new DuplicateRows();
  const codes = Uint32Array.from({ length: 1000 }, (_, row) => (row % 50 === 7 ? 0xffffffff : row % 50));
  again.add([codes, codes], 1000);
  expect(again.found()).toEqual({ rows: 950, share: 0.95, exact: true });
  expect(new DuplicateRows().found()).toEqual({ rows: 0, share: 0, exact: true });
});

test("of many distinct rows a sample is kept: the share stands within a few standard deviations", () => {
  const random = mulberry32(3);
  const repeats = Uint8Array.from({ length: 200_000 }, (_, row) =>
    row > 0 && integerBelow(5, random) === 0 ? 1 : 0,
  );
  const { share, exact, rows } = rowsOf(200_000, (row) => repeats[row] === 1, 1 << 12).found();
  const expected = repeats.reduce((sum, x) => sum + x, 0) / 200_000;
  expect(exact).toBe(false);
  // Expects that at least 2,048 distinct rows are kept.
  expect(Math.abs(share - expected)).toBeLessThan(4 * Math.sqrt((expected * (1 - expected)) / 2048));
  expect(rows).toBe(Math.round(share * 200_000));
});
