import { draw } from "../base/numeric/random.js";
import { emptyTable, tableRows, type TableRows } from "../table/rows.js";
import { ascending } from "../base/numeric/indices.js";
import { pairedBytes } from "./shared-rows.js";
import { diffVectors } from "./table-diff.js";

const vectors = (n: number, dim: number, key: number) =>
  Float32Array.from({ length: n * dim }, (_, i) => draw(key, i) / 2 ** 31 - 1);

/** Compares two sets of vectors of the same keys, b in reverse order of its rows. */
async function diffed(a: Float32Array, b: Float32Array, [dimA, dimB]: [number, number], k: number) {
  const n = a.length / dimA;
  const reversed = Float32Array.from(b, (_, i) => b[(n - 1 - Math.floor(i / dimB)) * dimB + (i % dimB)]!);
  const shared = { inA: ascending(n), inB: ascending(n).toReversed() };
  return await diffVectors(rowsWith(a, dimA), rowsWith(reversed, dimB), shared, { k, threads: 1 });
}

function rowsWith(of: Float32Array, dim: number): TableRows {
  const numRows = of.length / dim;
  return tableRows({ ...emptyTable({ dim, fields: ["item"], hasWeights: false }, numRows), vectors: of });
}

test("a set that is turned has not moved: all neighbors are shared and nothing is displaced", async () => {
  const a = vectors(60, 2, 1);
  // The vectors are rotated by 30 degrees and doubled in length.
  const [c, s] = [2 * Math.cos(Math.PI / 6), 2 * Math.sin(Math.PI / 6)];
  const b = a.slice();
  for (let i = 0; i < b.length; i += 2) {
    b[i] = c * a[i]! - s * a[i + 1]!;
    b[i + 1] = s * a[i]! + c * a[i + 1]!;
  }
  const got = await diffed(a, b, [2, 2], 5);
  expect(got.neighborOverlap).toBeGreaterThan(0.99);
  expect(got.displacement!.p90).toBeLessThan(1e-6);
  expect(got.norms.b / got.norms.a).toBeCloseTo(2, 5);
});

test("one row that moved is told from those that stayed", async () => {
  const a = vectors(100, 8, 1);
  const b = a.slice();
  b.subarray(24, 32).set(vectors(1, 8, 5));
  const { byRow, displacement } = await diffed(a, b, [8, 8], 5);
  expect(byRow!.indexOf(Math.max(...byRow!))).toBe(3);
  expect(displacement!.median).toBeLessThan(0.01);
});

test("sets of nothing in common share as many neighbors as chance gives, of whatever dimensions", async () => {
  const got = await diffed(vectors(400, 6, 1), vectors(400, 9, 2), [6, 9], 10);
  expect(Math.abs(got.neighborOverlap! - 10 / 399)).toBeLessThan(0.02);
  expect(got.displacement).toBeUndefined();
});

test("overlap worked out by hand, a zero row being near nothing", async () => {
  // The vectors are at 0, 10, 60 and 70 degrees of a circle; in the second set, the third vector is at 20.
  const at = (...degrees: number[]) =>
    Float32Array.from([
      ...degrees.flatMap((d) => [Math.cos((d * Math.PI) / 180), Math.sin((d * Math.PI) / 180)]),
      0,
      0,
    ]);
  const got = await diffed(at(0, 10, 60, 70), at(0, 14, 20, 70), [2, 2], 1);
  // From row 0 to row 4, the nearest other row is 1, 0, 3, 2, none in the first set, and 1, 2, 1, 2, none in the
  // second, so that rows 0 and 3 keep theirs.
  expect(got.neighborOverlap).toBeCloseTo(2 / 5, 12);
});

test("blocks of pairs give the numbers of all pairs at once, to the last bit", async () => {
  const [a, b] = [vectors(500, 8, 1), vectors(500, 8, 2)];
  const whole = await diffed(a, b, [8, 8], 5);
  const { most } = pairedBytes;
  try {
    pairedBytes.most = 4 * 8 * 33;
    expect(await diffed(a, b, [8, 8], 5)).toEqual(whole);
  } finally {
    pairedBytes.most = most;
  }
});
