// Compares the functions of the coordinate kernel with the reference: passes over rows, updates of parameters, and
// draws of targets.

import type { CoordinateKernel } from "./binding.js";
import { kernelImports, loadKernel } from "../shared/load.js";
import { Arena, type Region } from "../shared/memory.js";
import {
  coordinateKey,
  referenceCommonMove,
  referenceCoordinate,
  referenceLogit,
  referenceTarget,
  type Occurrence,
  type Residuals,
} from "./coordinate.reference.js";
import { draw } from "../../../base/numeric/random.js";

const unit = (key: number, i: number) => draw(key, i) / 2 ** 32;
const numRows = 3000;
const size = 9;
const prior = { alpha: 1.3, lambda: 2.5, mu: -0.1 };
const maxDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

/** Generates the occurrences of a field's features: each row has no feature or one; if `multi`, any number of them. */
function cells(multi: boolean, valued: boolean): Occurrence[][] {
  const valueOf = (r: number, i: number) => (valued ? Math.fround(2 * unit(31, r * size + i) - 1) : 1);
  return Array.from({ length: size }, (_, i) =>
    Array.from({ length: numRows }, (__, row) => row)
      .filter((row) => (multi ? unit(5, row * size + i) < 0.3 : draw(6, row) % (size + 1) === i))
      .map((row) => ({ row, x: valueOf(row, i) })),
  );
}

async function kernelOf() {
  const arena = new Arena();
  const module = await loadKernel("coordinate");
  const { exports: kernel } = new WebAssembly.Instance<CoordinateKernel>(module, kernelImports(arena.memory));
  const put = (values: ArrayLike<number>, type: "u32" | "f32") => {
    const region = arena.allocate("test", values.length * 4);
    arena[type](region).set(values);
    return region;
  };
  return { arena, kernel, put };
}

/**
 * initial error e and sum q of x v of each row, and initial parameters v; the last element of v is 0, for rows without
 * a feature
 */
const start = {
  e: Float32Array.from({ length: numRows }, (_, r) => 2 * unit(11, r) - 1),
  q: Float32Array.from({ length: numRows }, (_, r) => unit(12, r) - 0.5),
  v: Float32Array.from({ length: size + 1 }, (_, i) => (i < size ? unit(13, i) - 0.5 : 0)),
};
const precisions = Float32Array.from({ length: numRows }, (_, r) => 0.1 + unit(15, r));
const hashes = Array.from({ length: 2 * size }, (_, i) => draw(14, i));
const kinds = [1, 1, 1, 0, 1, 2, 1, 1, 1];

/**
 * Returns the parameters and residuals that the plain implementation computes: it updates one feature after another.
 */
function expected(fields: Occurrence[][], linear: boolean, key: number) {
  const residuals: Residuals = { e: Float64Array.from(start.e), q: Float64Array.from(start.q), precisions };
  const v = Array.from(start.v.subarray(0, size), (old, i) => {
    if (kinds[i] === 0) return old;
    if (kinds[i] === 2) return prior.mu;
    const own = coordinateKey(key, [hashes[2 * i]!, hashes[2 * i + 1]!]);
    return referenceCoordinate(fields[i]!, residuals, old, linear, prior, own);
  });
  return { ...residuals, v };
}

/**
 * Returns the occurrences of each feature in rows; none for features whose kind is not 1, because their parameters stay
 * unchanged or become the prior's mean, whatever the rows contain.
 */
const withoutRows = (fields: Occurrence[][]) => fields.map((rows, i) => (kinds[i] === 1 ? rows : []));

describe.each([
  ["minimized", 0],
  ["drawn", 77],
] as const)("parameters that are %s agree with the reference to 1e-5, their e and q to 3e-5", (_, key) => {
  test.each([
    ["weights, one-hot", true, false],
    ["weights of numbers", true, true],
    ["vectors, one-hot", false, false],
    ["vectors of numbers", false, true],
  ] as const)("%s: all features of a field at once, in three chunks of rows", async (__, linear, valued) => {
    const fields = withoutRows(cells(false, valued));
    const { arena, kernel, put } = await kernelOf();
    const ids = new Uint32Array(numRows).fill(size);
    const values = new Float32Array(numRows).fill(1);
    fields.forEach((rows, i) => rows.forEach(({ row, x }) => ((ids[row] = i), (values[row] = x))));
    const idsAt = put(ids, "u32").offset;
    const valuesAt = valued ? put(values, "f32").offset : 0;
    const eq = put(
      Array.from({ length: 2 * numRows }, (___, i) => (i % 2 ? start.q : start.e)[i >> 1]!),
      "f32",
    );
    const v = put(start.v, "f32");
    const step = put(new Float32Array(2 * (size + 1)), "f32").offset;
    const stride = 8 * (size + 1);
    const sums = put(new Float32Array(3 * 2 * (size + 1)), "f32");
    const kindsAt = arena.allocate("test", size + 1);
    new Uint8Array(arena.memory.buffer, kindsAt.offset, size + 1).set([...kinds, 0]);
    const hashesAt = put([...hashes, 0, 0], "u32").offset;
    const precisionsAt = put(precisions, "f32").offset;

    for (const [c, [first, end]] of [
      [0, 1000],
      [1000, 2500],
      [2500, numRows],
    ].entries())
      kernel.accumulate(
        first!,
        end!,
        idsAt,
        valuesAt,
        precisionsAt,
        eq.offset,
        v.offset,
        sums.offset + c * stride,
        linear ? 1 : 0,
      );
    const { alpha, lambda, mu } = prior;
    const finite = kernel.update(
      0,
      size + 1,
      kindsAt.offset,
      hashesAt,
      v.offset,
      step,
      sums.offset,
      stride,
      3,
      alpha,
      lambda,
      mu,
      key,
      0,
    );
    kernel.move(0, numRows, idsAt, valuesAt, eq.offset, step, linear ? 1 : 0);

    const twin = expected(fields, linear, key);
    expect(finite).toBe(1);
    expect(maxDifference(arena.f32(v), [...twin.v, 0])).toBeLessThan(1e-5);
    const got = arena.f32(eq);
    expect(
      maxDifference(
        twin.e,
        Array.from(twin.e, (___, r) => got[2 * r]!),
      ),
    ).toBeLessThan(3e-5);
    if (!linear)
      expect(
        maxDifference(
          twin.q,
          Array.from(twin.q, (___, r) => got[2 * r + 1]!),
        ),
      ).toBeLessThan(3e-5);
    // the kernel's `update` also resets the sums of the gradients to 0
    expect(Math.max(...arena.f32(sums))).toBe(0);
  });

  test.each([
    ["weights", true],
    ["vectors", false],
  ] as const)("%s of several values a row: one feature after the other", async (__, linear) => {
    const fields = withoutRows(cells(true, true));
    const { arena, kernel, put } = await kernelOf();
    const pairs = fields.flat();
    const indptr = [0, ...fields.map((___, i) => fields.slice(0, i + 1).flat().length)];
    const eq = put(
      Array.from({ length: 2 * numRows }, (___, i) => (i % 2 ? start.q : start.e)[i >> 1]!),
      "f32",
    );
    const v = put(start.v, "f32");
    const kindsAt = arena.allocate("test", size);
    new Uint8Array(arena.memory.buffer, kindsAt.offset, size).set(kinds);
    const { alpha, lambda, mu } = prior;
    kernel.updateSparse(
      0,
      size,
      kindsAt.offset,
      put(hashes, "u32").offset,
      put(indptr, "u32").offset,
      put(
        pairs.map(({ row }) => row),
        "u32",
      ).offset,
      put(
        pairs.map(({ x }) => x),
        "f32",
      ).offset,
      put(precisions, "f32").offset,
      eq.offset,
      v.offset,
      linear ? 1 : 0,
      alpha,
      lambda,
      mu,
      key,
    );
    const twin = expected(fields, linear, key);
    expect(maxDifference(arena.f32(v).subarray(0, size), twin.v)).toBeLessThan(1e-5);
    const got = arena.f32(eq);
    expect(
      maxDifference(
        twin.e,
        Array.from(twin.e, (___, r) => got[2 * r]!),
      ),
    ).toBeLessThan(3e-5);
  });
});

test("two functions of one pass are the same bits as those they stand for", async () => {
  const { arena, kernel, put } = await kernelOf();
  const columns = [0, 1, 2, 3].map(
    (f) =>
      put(
        Uint32Array.from({ length: numRows }, (_, r) => draw(40 + f, r) % (size + 1)),
        "u32",
      ).offset,
  ) as [number, number, number, number];
  const eqOf = () =>
    put(
      Array.from({ length: 2 * numRows }, (_, i) => (i % 2 ? start.q : start.e)[i >> 1]!),
      "f32",
    );
  const v = put(start.v, "f32").offset;
  const step = put(
    Array.from({ length: 2 * (size + 1) }, (_, i) => unit(45, i) - 0.5),
    "f32",
  ).offset;
  const [one, two] = [eqOf(), eqOf()];
  const [sumsOne, sumsTwo] = [0, 1].map(() => put(new Float32Array(2 * (size + 1)), "f32")) as [
    Region,
    Region,
  ];
  const [a, b, c, d] = columns;
  const precisionsAt = put(precisions, "f32").offset;
  kernel.moveAndAccumulate(0, numRows, a, step, b, precisionsAt, one.offset, v, sumsOne.offset);
  kernel.move(0, numRows, a, 0, two.offset, step, 0);
  kernel.accumulate(0, numRows, b, 0, precisionsAt, two.offset, v, sumsTwo.offset, 0);
  expect(arena.f32(one)).toEqual(arena.f32(two));
  expect(arena.f32(sumsOne)).toEqual(arena.f32(sumsTwo));

  // addFourToQ adds the terms of the four fields in another order than four calls of addToQ, so sums differ by rounding
  kernel.addFourToQ(0, numRows, a, b, c, d, one.offset, v, v, v, v);
  for (const ids of columns) kernel.addToQ(0, numRows, ids, 0, two.offset, v);
  expect(maxDifference(arena.f32(one), arena.f32(two))).toBeLessThan(1e-6);
});

test("a field moves together as the reference says, from sums that hold after its features' own draws", async () => {
  const { arena, kernel, put } = await kernelOf();
  const zeros = (numbers: number) => put(new Float32Array(numbers), "f32").offset;
  const chosen = Array.from({ length: size }, (_, i) => (kinds[i] === 1 ? i : size));
  const ids = Uint32Array.from({ length: numRows }, (_, r) => chosen[draw(61, r) % size]!);
  const idsAt = put(ids, "u32").offset;
  const precisionsAt = put(precisions, "f32").offset;
  const eq = put(
    Array.from({ length: 2 * numRows }, (_, i) => (i % 2 ? start.q : start.e)[i >> 1]!),
    "f32",
  );
  const v = put(start.v, "f32");
  const kindsAt = arena.allocate("test", size + 1).offset;
  new Uint8Array(arena.memory.buffer, kindsAt, size + 1).set([...kinds, 0]);
  const [step, sums, moments, moved] = [zeros(2 * size + 2), zeros(2 * size + 2), zeros(20), zeros(4)];
  const hashesAt = put([...hashes, 0, 0], "u32").offset;
  const { alpha, lambda, mu } = prior;
  const half = 5;

  kernel.accumulate(0, numRows, idsAt, 0, precisionsAt, eq.offset, v.offset, sums, 0);
  for (const [b, [first, end]] of [
    [0, half],
    [half, size + 1],
  ].entries()) {
    const stepsAt = [v.offset, step, sums, 0, 1] as const;
    kernel.update(first!, end!, kindsAt, hashesAt, ...stepsAt, alpha, lambda, mu, 77, moments + 40 * b);
  }
  const drawn = Array.from(arena.f32(v));
  // errors e of the rows and derivatives h of their scores, after each feature's parameter has been drawn
  const e = new Float64Array(numRows);
  const h = new Float64Array(numRows);
  ids.forEach((id, r) => {
    h[r] = start.q[r]! - start.v[id]!;
    e[r] = start.e[r]! + h[r]! * (drawn[id]! - start.v[id]!);
  });
  const values = chosen.flatMap((i) => {
    if (i === size) return [];
    let [he, hh] = [0, 0];
    ids.forEach((id, r) => {
      if (id !== i) return;
      he += precisions[r]! * h[r]! * e[r]!;
      hh += precisions[r]! * h[r]! ** 2;
    });
    return [{ t: drawn[i]!, he, hh }];
  });
  // finds a random key for which the sampler accepts its proposal, a factor a other than 1 for all parameters
  const key = [1, 2, 3, 4, 5, 6, 7, 8].find((k) => referenceCommonMove(values, prior, k).a !== 1)!;
  const { a, c } = referenceCommonMove(values, prior, key);
  kernel.moveTogether(0, half, kindsAt, v.offset, step, moments, 2, alpha, lambda, mu, key, moved);
  kernel.moveTogether(half, size + 1, kindsAt, v.offset, step, moments, 2, alpha, lambda, mu, key, moved);
  kernel.move(0, numRows, idsAt, 0, eq.offset, step, 0);

  const together = new Float64Array(arena.memory.buffer, moved, 2);
  expect(maxDifference(together, [a, c])).toBeLessThan(1e-5);
  const now = arena.f32(v);
  expect(
    maxDifference(
      now,
      drawn.map((t, i) => (i < size && kinds[i] ? a * t + c : t)),
    ),
  ).toBeLessThan(1e-5);
  // Expects that residuals have changed as if the parameters had moved in one step.
  const got = arena.f32(eq);
  const after = Array.from(ids, (id, r) => start.e[r]! + h[r]! * (now[id]! - start.v[id]!));
  expect(
    maxDifference(
      after,
      Array.from(after, (_, r) => got[2 * r]!),
    ),
  ).toBeLessThan(3e-5);
});

/** Creates rows with labels 0 and 1, with targets, and with weights of 1 or 2. */
async function labelledRows() {
  const { arena, kernel, put } = await kernelOf();
  const labels = Array.from({ length: numRows }, (_, r) => draw(21, r) % 2);
  const weights = Array.from({ length: numRows }, (_, r) => 1 + (draw(23, r) % 2));
  const before = Float32Array.from({ length: numRows }, (_, r) => 4 * unit(22, r) - 2);
  const scores = Float32Array.from({ length: numRows }, (_, r) => Math.fround(before[r]! + start.e[r]!));
  const eq = put(
    Array.from({ length: 2 * numRows }, (_, i) => (i % 2 ? 0 : start.e[i >> 1]!)),
    "f32",
  );
  const totals = arena.allocate("test", 32);
  const targets = put(before, "f32");
  const at = [eq.offset, targets.offset, put(labels, "f32").offset, put(weights, "f32").offset] as const;
  /**
   * Compares the kernel's four totals with sums over the rows: of the loss, of precision e, of precision e^2 and of the
   * precision. Returns the absolute differences, divided by the number of rows.
   */
  const differences = (of: (r: number) => [loss: number, e: number, precision: number]) => {
    const sums = [0, 0, 0, 0];
    for (let r = 0; r < numRows; r++) {
      const [loss, e, precision] = of(r);
      [loss, precision * e, precision * e * e, precision].forEach((term, i) => (sums[i]! += term));
    }
    return sums.map((sum, i) => Math.abs(sum - arena.f64(totals)[i]!) / numRows);
  };
  return { arena, kernel, put, labels, weights, scores, targets, totals: totals.offset, at, differences };
}

test.each([0, 51])("probit targets and losses agree with the reference to 1e-6, key %i", async (key) => {
  const { arena, kernel, labels, weights, scores, targets, totals, at, differences } = await labelledRows();
  kernel.drawProbit(0, numRows, ...at, key, totals);
  const twins = Array.from(scores, (score, r) => referenceTarget(score, labels[r]!, key && draw(key, r)));
  expect(
    maxDifference(
      arena.f32(targets),
      twins.map(({ target }) => target),
    ),
  ).toBeLessThan(1e-6);
  const off = differences((r) => {
    const { loss, target } = twins[r]!;
    return [weights[r]! * loss, scores[r]! - target, weights[r]!];
  });
  expect(Math.max(...off)).toBeLessThan(1e-6);
});

test.each([0, 51])(
  "logit precisions, targets and losses agree with the reference to a relative 1e-6, key %i",
  async (key) => {
    const { arena, kernel, put, labels, weights, scores, targets, totals, at, differences } =
      await labelledRows();
    const drawn = put(new Float32Array(numRows), "f32");
    kernel.drawLogit(0, numRows, ...at, drawn.offset, key, totals);
    const twins = Array.from(scores, (score, r) => referenceLogit(score, labels[r]!, key && draw(key, r)));
    expect(
      maxDifference(
        arena.f32(targets).map((target, r) => target / twins[r]!.target),
        new Float32Array(numRows).fill(1),
      ),
    ).toBeLessThan(1e-6);
    expect(
      maxDifference(
        arena.f32(drawn),
        twins.map(({ precision }, r) => weights[r]! * precision),
      ),
    ).toBeLessThan(1e-6);
    const off = differences((r) => {
      const { loss, target, precision } = twins[r]!;
      return [weights[r]! * loss, scores[r]! - target, weights[r]! * precision];
    });
    expect(Math.max(...off)).toBeLessThan(1e-5);
  },
);
