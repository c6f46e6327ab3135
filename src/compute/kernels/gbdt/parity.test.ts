// Compares the kernel of boosted trees with its reference.

import { between, integerBelow, mulberry32, type Random } from "../../../testing/random.js";
import { GATHERED, SORT_COUNTS_BYTES, SplitOptions as SplitStruct } from "./layout.js";
import { getField } from "../shared/struct.js";
import { putSplitOptions, Split, type GbdtKernel, type GbdtSplitOptions } from "./binding.js";
import { kernelImports, loadKernel } from "../shared/load.js";
import { Arena, type Region } from "../shared/memory.js";
import { gradient, softmaxGradient } from "../../../base/numeric/losses.js";
import * as reference from "./gbdt.reference.js";

const SCALE_G = 2 ** 30;
const SCALE_H = 2 ** 20;
const options: GbdtSplitOptions = {
  lambdaL1: 0.2,
  lambdaL2: 0.5,
  minDataInLeaf: 5,
  minSumHessianInLeaf: 0.1,
  minGainToSplit: 0.01,
  catSmooth: 3,
  catL2: 2,
  maxCatThreshold: 8,
  maxCatToOnehot: 4,
  minDataPerGroup: 10,
};

async function machine() {
  const arena = new Arena();
  const module = await loadKernel("gbdt");
  const { exports: kernel } = new WebAssembly.Instance<GbdtKernel>(module, kernelImports(arena.memory));
  const place = (data: Float64Array | Float32Array | Uint32Array | Uint8Array): Region => {
    const region = arena.allocate("data", data.byteLength + 64);
    new Uint8Array(arena.memory.buffer, region.offset, data.byteLength).set(
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    );
    return region;
  };
  return { arena, kernel, place };
}

/**
 * Generates rows whose sums are integers after scaling, so that kernel and reference sum up exactly the same numbers.
 */
function randomRows(n: number, random: Random) {
  const whole = (x: number, scale: number) => Math.round(x * scale) / scale;
  return Array.from({ length: n }, () => ({
    g: whole(between(-1, 1, random), 2 ** 10),
    h: whole(random(), 2 ** 10) + 2 ** -10,
  }));
}

/** Returns gradients and hessians as f32[n][2]; they are representable as f32, so nothing is rounded. */
function pairsOf(rows: readonly { g: number; h: number }[]): Float32Array {
  return Float32Array.from(rows.flatMap(({ g, h }) => [g, h]));
}

test("binNumbers counts the edges below, NaN is missing", async () => {
  const { arena, kernel, place } = await machine();
  const edges = [-2, -1e-35, 1e-35, 1, 3.5];
  const values = Float64Array.of(-3, -2, -1.5, -0, 0, 1, 1.0000001, 3.5, 1e300, NaN);
  const padded = new Float64Array(8).fill(Infinity);
  padded.set(edges);
  const out = arena.allocate("bins", values.length);
  kernel.binNumbers(place(values).offset, values.length, place(padded).offset, 8, 6, false, out.offset, 1);
  const got = new Uint8Array(arena.memory.buffer, out.offset, values.length);
  expect([...got]).toEqual(Array.from(values, (x) => reference.binNumber(x, edges, 6)));
});

test.each([
  [true, true],
  [false, true],
  [false, false],
])(
  "gradients and losses agree with the reference to 2e-6, squared %s, weighted %s",
  async (squared, weighted) => {
    const { arena, kernel, place } = await machine();
    const random = mulberry32(5);
    const n = 203;
    const scores = Float32Array.from({ length: n }, () => between(-6, 6, random));
    const labels = Float32Array.from({ length: n }, () => integerBelow(2, random));
    // a value behind the last row, which must not change the sums
    const padded = Float32Array.of(...scores, 7);
    const weights = Float32Array.from({ length: n }, () => (weighted ? between(0, 3, random) : 1));
    const [pairs, sums] = [arena.allocate("pairs", 8 * n + 64), arena.allocate("sums", 16)];
    const [s, y, w] = [place(padded).offset, place(labels).offset, weighted ? place(weights).offset : 0];
    const loss = kernel.gradients(s, y, w, pairs.offset, n, squared, sums.offset);
    const got = arena.f32(pairs);
    const expected = Array.from(scores, (score, i) => {
      const { g, h } = gradient(score, labels[i]!, squared);
      return [g * weights[i]!, h * weights[i]!];
    }).flat();
    const apart = Math.max(...expected.map((x, i) => Math.abs(x - got[i]!)));
    expect(apart).toBeLessThan(2e-6);
    const absolute = expected.reduce((sum, x, i) => sum + (i % 2 === 0 ? Math.abs(x) : 0), 0);
    expect(arena.f64(sums)[0]! / absolute).toBeCloseTo(1, 5);
    const curvature = expected.reduce((sum, x, i) => sum + (i % 2 === 1 ? x : 0), 0);
    expect(arena.f64(sums)[1]! / curvature).toBeCloseTo(1, 5);

    // the reported squared loss is twice the loss that is differentiated
    const times = squared ? 2 : 1;
    const expectedLoss = scores.reduce(
      (sum, score, i) => sum + weights[i]! * times * reference.loss(score, labels[i]!, squared),
      0,
    );
    expect(Math.abs(loss / expectedLoss - 1)).toBeLessThan(2e-6);
    expect(Math.abs(kernel.losses(s, y, w, n, squared) / expectedLoss - 1)).toBeLessThan(2e-6);
  },
);

test("a row's cell is its gradient and hessian rounded to integers, halves to the even one, and counts it", async () => {
  const { arena, kernel, place } = await machine();
  const [scaleG, scaleH] = [2 ** 32, 2 ** 20];
  const g = [2.5, 3.5, -2.5, 0.49, -0.51, 2 ** 49, -(2 ** 49)].map((x) => x / scaleG);
  const h = [0, 0.5, 1.5, 2 ** 36, 3.2, 7, 0.5].map((x) => x / scaleH);
  const pairs = Float32Array.from(g.flatMap((x, i) => [x, h[i]!]));
  // each row is in a different bin
  const bins = Uint8Array.from({ length: 16 * g.length }, (_, i) => (i % 16 === 0 ? i / 16 : 0));
  const words = arena.allocate("the options", SplitStruct.size);
  putSplitOptions(arena, words.offset, options, { scaleG, scaleH });
  const [room, out] = [arena.allocate("room", GATHERED * 32), arena.allocate("a histogram", 4 * 4096)];
  const [own, p] = [place(bins).offset, place(pairs).offset];
  kernel.histogram(0, g.length, own, 16, 4, 0, 0, p, words.offset, room.offset, out.offset);
  const even = (x: number) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));
  expect([...new BigInt64Array(arena.memory.buffer, out.offset, 2 * g.length)]).toEqual(
    g.flatMap((_, i) => {
      const [ofG, ofH] = [even(pairs[2 * i]! * scaleG), even(pairs[2 * i + 1]! * scaleH)];
      return [BigInt(ofG), (BigInt(ofH) << 25n) | 1n];
    }),
  );
});

test("sortNumbers orders numbers as comparing them does, -0 before 0", async () => {
  const { arena, kernel, place } = await machine();
  const random = mulberry32(3);
  const special = [0, -0, Infinity, -Infinity, 5e-324, -5e-324, 1.7976931348623157e308];
  const kinds: (() => number)[] = [
    () => between(-1, 1, random),
    () => integerBelow(7, random) - 3,
    () => between(-1, 1, random) * 10 ** between(-300, 300, random),
    () => special[integerBelow(special.length, random)]!,
    () => 7,
  ];
  const [other, counts] = [arena.allocate("other", 8 * 3000), arena.allocate("counts", SORT_COUNTS_BYTES)];
  for (const kind of kinds) {
    for (const n of [1, 2, 3000]) {
      const numbers = Float64Array.from({ length: n }, kind);
      const at = place(numbers).offset;
      kernel.sortNumbers(at, n, other.offset, counts.offset);
      const got = new Float64Array(arena.memory.buffer, at, n);
      numbers.sort();
      expect(got.every((x, i) => Object.is(x, numbers[i]))).toBe(true);
    }
  }
});

test.each([0, 1, 3, 64, 701])(
  "partition keeps the rows' order on both sides, the left one in place, %i rows, narrow and wide",
  async (n) => {
    const { arena, kernel, place } = await machine();
    const random = mulberry32(n + 1);
    const numRows = 2 * n + 1;
    const bins = Uint32Array.from({ length: numRows }, () => integerBelow(250, random));
    const goesLeft = Uint8Array.from({ length: 250 }, () => integerBelow(2, random));
    const rows = Uint32Array.from({ length: n }, (_, i) => 2 * i + integerBelow(2, random));
    const table = place(goesLeft).offset;
    const expected = [1, 0].map((side) => [...rows].filter((row) => goesLeft[bins[row]!] === side));
    for (const wide of [false, true]) {
      const column = wide ? Uint16Array.from(bins) : Uint8Array.from(bins);
      const own = place(new Uint8Array(column.buffer)).offset;
      const [order, right] = [place(rows), arena.allocate("the right side", 4 * n)];
      const after = arena.allocate("what follows", 64);
      const numLeft = kernel.partition(order.offset, n, own, wide, table, order.offset, right.offset);
      expect([...arena.u32(order).subarray(0, numLeft)]).toEqual(expected[0]);
      expect([...arena.u32(right).subarray(0, n - numLeft)]).toEqual(expected[1]);
      expect([...arena.u32(after)].every((word) => word === 0)).toBe(true);
    }
  },
);

test("softmax gradients and losses agree with the reference to 2e-6", async () => {
  const { arena, kernel, place } = await machine();
  const random = mulberry32(6);
  const [n, numClasses, apart] = [103, 5, 104];
  const scores = Float32Array.from({ length: numClasses * apart }, () => between(-6, 6, random));
  const labels = Float32Array.from({ length: n }, () => integerBelow(numClasses, random));
  const weights = Float32Array.from({ length: n }, () => between(0, 3, random));
  const [pairs, sums] = [
    arena.allocate("pairs", 8 * apart * numClasses),
    arena.allocate("sums", 16 * numClasses),
  ];
  const [s, y, w] = [place(scores).offset, place(labels).offset, place(weights).offset];
  const fused = kernel.softmaxGradients(
    ...([s, 4 * apart, y, w, pairs.offset, 8 * apart, n, numClasses, sums.offset, 16] as const),
  );
  const got = arena.f32(pairs);
  const of = (row: number) => Array.from({ length: numClasses }, (_, k) => scores[k * apart + row]!);
  const expected = Array.from(weights, (weight, row) =>
    softmaxGradient(of(row), labels[row]!).map(({ g, h }) => [g * weight, h * weight] as const),
  );
  const apartBy = expected.flatMap((classes, row) =>
    classes.flatMap(([g, h], k) => {
      const at = 2 * (k * apart + row);
      return [Math.abs(g - got[at]!), Math.abs(h - got[at + 1]!)];
    }),
  );
  expect(Math.max(...apartBy)).toBeLessThan(2e-6);
  const absolute = expected.reduce((sum, classes) => sum + Math.abs(classes[3]![0]), 0);
  expect(arena.f64(sums)[6]! / absolute).toBeCloseTo(1, 5);

  const loss = expected.reduce(
    (sum, _, row) => sum + weights[row]! * reference.softmaxLoss(of(row), labels[row]!),
    0,
  );
  expect(fused / loss).toBeCloseTo(1, 5);
  expect(kernel.softmaxLosses(s, 4 * apart, y, w, n, numClasses)).toBe(fused);
});

test("histogram, sum over threads and subtraction are the reference's sums exactly, narrow and wide", async () => {
  const { arena, kernel, place } = await machine();
  const random = mulberry32(7);
  // each thread has more rows than the kernel gathers at a time, and an odd number of remaining rows
  const [n, stride] = [3600, 16];
  const rows = randomRows(n, random);
  const narrow = rows.map(() => integerBelow(256, random));
  const wide = rows.map(() => integerBelow(400, random));
  const bins = new Uint8Array(n * stride);
  rows.forEach((_, i) => {
    bins[i * stride + 1] = narrow[i]!;
    bins[i * stride + 4] = wide[i]! & 255;
    bins[i * stride + 5] = wide[i]! >>> 8;
  });
  const numCells = 4 * 256 + 400;
  const order = Uint32Array.from({ length: n }, (_, i) => i).filter((i) => i % 3 !== 0);
  const half = order.length >>> 1;
  const pairs = place(pairsOf(rows));
  const words = arena.allocate("the options", SplitStruct.size);
  putSplitOptions(arena, words.offset, options, { scaleG: SCALE_G, scaleH: SCALE_H });
  const parts = arena.allocate("two threads' histograms", 2 * numCells * 16);
  const out = arena.allocate("a histogram", numCells * 16);
  const [own, room, first] = [
    place(bins),
    arena.allocate("room", GATHERED * 32),
    place(Uint32Array.of(1024)),
  ];
  const sorted = place(order);
  for (const [t, from, to] of [
    [0, 0, half],
    [1, half, order.length],
  ] as const) {
    kernel.histogram(
      sorted.offset + 4 * from,
      to - from,
      own.offset,
      stride,
      4,
      first.offset,
      1,
      pairs.offset,
      words.offset,
      room.offset,
      parts.offset + t * numCells * 16,
    );
  }
  const marks = place(new Uint32Array(32).fill(1)).offset;
  kernel.addHistograms(parts.offset, 2, numCells * 16, marks, out.offset, numCells);
  const sumsAt = (region: Region, cell: number, count: number) => {
    const words = new BigInt64Array(arena.memory.buffer, region.offset + 16 * cell, 2 * count);
    return Array.from({ length: count }, (_, b) => ({
      g: Number(words[2 * b]!) / SCALE_G,
      h: Number(words[2 * b + 1]! >> 25n) / SCALE_H,
      count: Number(words[2 * b + 1]! & ((1n << 25n) - 1n)),
    }));
  };
  const expected = (column: number[], numBins: number) =>
    reference.histogram(
      [...order].map((i) => column[i]!),
      [...order].map((i) => rows[i]!),
      numBins,
    );
  expect(sumsAt(out, 256, 256)).toEqual(expected(narrow, 256));
  expect(sumsAt(out, 1024, 400)).toEqual(expected(wide, 400));
  // without the argument `order`, the kernel adds the first rows to the histogram
  const whole = arena.allocate("all rows' histogram", numCells * 16);
  kernel.histogram(
    ...([0, n, own.offset, stride, 4, first.offset, 1, pairs.offset, words.offset] as const),
    ...([room.offset, whole.offset] as const),
  );
  expect(sumsAt(whole, 256, 256)).toEqual(reference.histogram(narrow, rows, 256));
  expect(sumsAt(whole, 1024, 400)).toEqual(reference.histogram(wide, rows, 400));
  // Expects that the threads' histograms have been reset to zero, and that a histogram minus itself is zero.
  expect(reference.sumOf(sumsAt(parts, 0, numCells)).count).toBe(0);
  kernel.subtractHistogram(out.offset, out.offset, numCells);
  expect(reference.sumOf(sumsAt(out, 0, numCells))).toEqual({ g: 0, h: 0, count: 0 });
});

/** Generates a histogram of random rows, both as sums of the reference and as cells of the kernel. */
function randomHistogram(numBins: number, n: number, random: Random) {
  const rows = randomRows(n, random);
  const bins = rows.map(() => Math.floor(random() ** 2 * numBins));
  const sums = reference.histogram(bins, rows, numBins);
  const words = sums.flatMap(({ g, h, count }) => [
    BigInt(Math.round(g * SCALE_G)),
    (BigInt(Math.round(h * SCALE_H)) << 25n) | BigInt(count),
  ]);
  return { sums, cells: new Uint8Array(BigInt64Array.from(words).buffer) };
}

/** Returns the sums of gradients and of hessians on the left and on the right side of a split. */
function sumsOf(arena: Arena, at: number): number[] {
  return (["leftG", "leftH", "rightG", "rightH"] as const).map((field) => getField(arena, Split, at, field));
}

test("bestNumeric finds the reference's split, and numericGain its gain to the last bit", async () => {
  const { arena, kernel, place } = await machine();
  const random = mulberry32(11);
  const words = arena.allocate("the options", SplitStruct.size);
  putSplitOptions(arena, words.offset, options, { scaleG: SCALE_G, scaleH: SCALE_H });
  const out = arena.allocate("a split", Split.size);
  for (let trial = 0; trial < 100; trial++) {
    const numBins = 3 + integerBelow(20, random);
    const { sums, cells } = randomHistogram(numBins, 20 + integerBelow(200, random), random);
    // in every second trial, no value is missing
    if (trial % 2 === 0) {
      cells.fill(0, 16 * (numBins - 1));
      sums[numBins - 1] = { g: 0, h: 0, count: 0 };
    }
    const at = place(cells).offset;
    kernel.numericGain(at, numBins - 1, words.offset, out.offset);
    const [alone] = arena.f64(out);
    kernel.bestNumeric(at, numBins - 1, words.offset, out.offset);
    const [gain] = arena.f64(out);
    expect(alone).toBe(gain);
    const [bin, missingLeft, leftCount] = (["threshold", "flag", "numLeft"] as const).map((field) =>
      getField(arena, Split, out.offset, field),
    );
    const best = reference.bestNumeric(sums, options);
    expect(gain).toBeCloseTo(best?.gain ?? 0, 9);
    if (!best) continue;
    const { left, right } = best;
    expect({ bin, missingLeft: missingLeft === 1, leftCount }).toEqual({
      bin: best.bin,
      missingLeft: best.missingLeft,
      leftCount: left.count,
    });
    expect(sumsOf(arena, out.offset)).toEqual([left.g, left.h, right.g, right.h]);
  }
});

test.each([4, 5, 12, 300])("bestCategorical finds the reference's split, %i bins", async (numBins) => {
  const { arena, kernel, place } = await machine();
  const random = mulberry32(numBins);
  const words = arena.allocate("the options", SplitStruct.size);
  putSplitOptions(arena, words.offset, options, { scaleG: SCALE_G, scaleH: SCALE_H });
  const [out, left] = [arena.allocate("a split", Split.size), arena.allocate("bins", numBins)];
  const scratch = arena.allocate("scratch", 24 * numBins);
  let found = 0;
  for (let trial = 0; trial < 40; trial++) {
    const { sums: all, cells } = randomHistogram(numBins, 20 * numBins, random);
    const at = place(cells).offset;
    kernel.bestCategorical(at, numBins, words.offset, scratch.offset, left.offset, out.offset);
    const [gain] = arena.f64(out);
    const best = reference.bestCategorical(all, options);
    expect(gain).toBeCloseTo(best?.gain ?? 0, 9);
    if (!best) continue;
    found++;
    const bits = new Uint8Array(arena.memory.buffer, left.offset, numBins);
    expect([...bits].flatMap((bit, b) => (bit === 1 ? [b] : []))).toEqual(best.left);
    expect(getField(arena, Split, out.offset, "flag") === 1).toBe(best.manyToMany);
    const sums = reference.sumOf(best.left.map((bin) => all[bin]!));
    const others = reference.sumOf(all.filter((_, bin) => !best.left.includes(bin)));
    expect(sumsOf(arena, out.offset)).toEqual([sums.g, sums.h, others.g, others.h]);
  }
  expect(found).toBeGreaterThan(10);
});
