import { nearestRows } from "../../table/retrieval/nearest.js";
import { mulberry32 } from "../../testing/random.js";
import { keptNeighbors, planeOf, K, umapOf } from "./plane.js";

const dim = 6;
const groups = 3;
const { signal } = new AbortController();

/** Rows close to three directions; row i is in group i mod 3. */
function planted(n: number): Float32Array {
  const random = mulberry32(5);
  return Float32Array.from(
    { length: n * dim },
    (_, at) => (Math.floor(at / dim) % groups === at % dim ? 1 : 0) + 0.4 * (random() - 0.5),
  );
}

async function begun(vectors: Float32Array) {
  const nearest = await nearestRows(vectors, dim, K - 1, { threads: 1 });
  return { nearest, start: planeOf(vectors, dim)!.points };
}

async function laidOut(vectors: Float32Array) {
  const { nearest, start } = await begun(vectors);
  return { nearest, start, places: await umapOf(vectors, dim, nearest, start, signal) };
}

const n = 120;
let whole: Awaited<ReturnType<typeof laidOut>>;
beforeAll(async () => void (whole = await laidOut(planted(n))));

test("rows of a planted group stand with their group: of each dot's ten nearest, nine in ten are of its own", () => {
  const { places } = whole;
  const near = nearestDots(places!, n);
  const own = near.map((dots, row) => dots.filter((dot) => dot % groups === row % groups).length / 10);
  expect(own.reduce((sum, share) => sum + share, 0) / n).toBeGreaterThan(0.9);
});

test("the same rows lie in the same places, to the last bit", async () => {
  const again = await laidOut(planted(n));
  expect(again.places).toEqual(whole.places);
  expect(whole.places!.every((value) => Number.isFinite(value))).toBe(true);
});

test("the layout starts from the plane: turned by half a turn, it comes out turned", async () => {
  const { nearest, start, places } = whole;
  const opposite = await umapOf(
    planted(n),
    dim,
    nearest,
    start.map((value) => -value),
    signal,
  );
  const agreement = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  expect(agreement(places!, start)).toBeGreaterThan(0);
  expect(agreement(opposite!, start)).toBeLessThan(0);
});

test("equal rows have a layout too, fewer rows than a neighborhood and one have none", async () => {
  const half = planted(30);
  const twice = Float32Array.from({ length: 2 * half.length }, (_, at) => half[at % half.length]!);
  expect((await laidOut(twice)).places!.every((value) => Number.isFinite(value))).toBe(true);
  expect((await laidOut(planted(K))).places).toBeUndefined();
  expect((await laidOut(planted(K + 1))).places).toHaveLength(2 * (K + 1));
});

test("an interruption ends it", async () => {
  const ended = AbortSignal.abort(new Error("interrupted"));
  const { nearest, start } = await begun(planted(60));
  await expect(umapOf(planted(60), dim, nearest, start, ended)).rejects.toThrow("interrupted");
});

test("kept neighbors are those of a table that are those of the drawing, counted one by one", async () => {
  const few = 60;
  const { nearest, start } = await begun(planted(few));
  const dots = nearestDots(start, few);
  const wide = nearest.length / few;
  const both = dots.map((near, row) => {
    const own = nearest.subarray(row * wide, row * wide + 10);
    return near.filter((dot) => own.includes(dot)).length;
  });
  expect(keptNeighbors(nearest, start, 10)).toBeCloseTo(both.reduce((a, b) => a + b, 0) / (10 * few), 12);
});

/** Returns the ten nearest points of each point, by sorting all points. */
function nearestDots(places: Float64Array, n: number): number[][] {
  const distance = (a: number, b: number) =>
    (places[2 * a]! - places[2 * b]!) ** 2 + (places[2 * a + 1]! - places[2 * b + 1]!) ** 2;
  return Array.from({ length: n }, (_, row) =>
    Array.from({ length: n }, (__, other) => other)
      .filter((other) => other !== row)
      .sort((a, b) => distance(row, a) - distance(row, b) || a - b)
      .slice(0, 10),
  );
}
