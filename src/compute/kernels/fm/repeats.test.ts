import { draw } from "../../../base/numeric/random.js";
import { Arena } from "../shared/memory.js";
import { BLOCK_ROWS, putRows, reserveRows } from "./binding.js";
import { MARK, markRepeats, markShare, marksFor, mostUnmarked } from "./repeats.js";

/**
 * Generates rows of two pairs: a feature of 0 .. 3, which many rows have, and a feature that only this row has. Values
 * equal the feature's id.
 */
function rowsOf(numRows: number) {
  const ids = Uint32Array.from({ length: 2 * numRows }, (_, i) => (i % 2 ? 4 + (i - 1) / 2 : (i / 2) % 4));
  return { ids, values: Float32Array.from(ids), numRows, endOf: (r: number) => 2 * r };
}

test("features in more than a thirty-second of a block's rows are marked and stand behind the others of their row", () => {
  const rows = rowsOf(1024);
  const before = [...rows.ids];
  markRepeats(rows, marksFor(2000, false));
  const expected = before.flatMap((_, i) => (i % 2 ? [before[i]!, (before[i - 1]! | MARK) >>> 0] : []));
  expect([...rows.ids]).toEqual(expected);
  expect([...rows.values]).toEqual(expected.map((id) => (id & ~MARK) >>> 0));
});

test("a field-aware machine's rows keep their order", () => {
  const rows = rowsOf(1024);
  const expected = rows.ids.map((id) => (id < 4 ? id | MARK : id));
  markRepeats(rows, marksFor(2000, true));
  expect([...rows.ids]).toEqual([...expected]);
});

test("each block decides for itself: a feature of its last rows alone is marked there alone", () => {
  const numRows = BLOCK_ROWS + 100;
  const at = (r: number) => (r < BLOCK_ROWS - mostUnmarked(BLOCK_ROWS) ? 1 + r : 0);
  const rows = { ids: Uint32Array.from({ length: numRows }, (_, r) => at(r)), values: undefined, numRows };
  markRepeats({ ...rows, endOf: (r) => r }, marksFor(numRows, true));
  const marked = [...rows.ids.keys()].filter((r) => rows.ids[r]! >= MARK);
  expect(marked).toEqual(Array.from({ length: 100 }, (_, i) => BLOCK_ROWS + i));
});

test("rows that come in turn are marked as those of a new machine, also when its counts begin anew", () => {
  const marks = marksFor(2000, false);
  const [alone, later] = [rowsOf(1024), rowsOf(1024)];
  markRepeats(alone, marksFor(2000, false));
  for (const base of [0, 2048, MARK - 100, MARK]) {
    if (base > 2048) marks.base = base;
    const rows = rowsOf(1024);
    markRepeats(rows, marks);
    expect(rows.ids).toEqual(alone.ids);
  }
  expect(marks.base).toBeLessThan(MARK);
  markRepeats(later, marks);
  expect(later.ids).toEqual(alone.ids);
});

test.each([1, 2, 3])("the shares of %i threads in a shared memory are what one call marks", (step) => {
  const numRows = 4 * BLOCK_ROWS + 100;
  // rows have one to three pairs, so that a row may begin at any index
  const indptr = new Uint32Array(numRows + 1);
  for (let r = 0; r < numRows; r++) indptr[r + 1] = indptr[r]! + 1 + (r % 3);
  const ids = Uint32Array.from({ length: indptr[numRows]! }, (_, i) => draw(1, i) % (1 + (i % 50)));
  const values = Float32Array.from(ids, (_, i) => i);
  const arena = new Arena();
  const rows = reserveRows(arena, "rows");
  const places = {
    indptr: arena.put("indptr", indptr),
    ids: arena.put("ids", ids),
    values: arena.put("values", values),
  };
  putRows(arena, rows, { ...places, numRows, width: 0, labels: 0, weights: 0 });
  for (let first = 0; first < step; first++)
    markShare(arena.memory, rows, marksFor(50, false), { first, step });

  markRepeats({ ids, values, numRows, endOf: (r) => indptr[r]! }, marksFor(50, false));
  const { buffer } = arena.memory;
  expect(ids.some((id) => id >= MARK)).toBe(true);
  expect(new Uint32Array(buffer, places.ids, ids.length)).toEqual(ids);
  expect(new Float32Array(buffer, places.values, ids.length)).toEqual(values);
});
