// Compares the gradients of gbdt.reference.ts with central differences, and its splits with the best of all splits of
// the rows.

import { gradient, softmaxGradient } from "../../../base/numeric/losses.js";
import { mulberry32, integerBelow, between } from "../../../testing/random.js";
import type { GbdtSplitOptions } from "./binding.js";
import { bestNumeric, histogram, loss, softmaxLoss, splitGain, sumOf } from "./gbdt.reference.js";

const options: GbdtSplitOptions = {
  lambdaL1: 0.1,
  lambdaL2: 1,
  minDataInLeaf: 3,
  minSumHessianInLeaf: 0.01,
  minGainToSplit: 0,
  catSmooth: 2,
  catL2: 3,
  maxCatThreshold: 32,
  maxCatToOnehot: 4,
  minDataPerGroup: 5,
};

test.each([true, false])(
  "gradient and hessian are central differences of the loss to 1e-5, squared %s",
  (squared) => {
    const d = 1e-4;
    let apart = 0;
    for (const label of [0, 1]) {
      for (let score = -4; score <= 4; score += 0.5) {
        const { g, h } = gradient(score, label, squared);
        const at = (s: number) => loss(s, label, squared);
        apart = Math.max(
          apart,
          Math.abs(g - (at(score + d) - at(score - d)) / (2 * d)),
          Math.abs(
            h - (gradient(score + d, label, squared).g - gradient(score - d, label, squared).g) / (2 * d),
          ),
        );
      }
    }
    expect(apart).toBeLessThan(1e-5);
  },
);

test("the softmax's gradient and hessian are central differences of its loss to 1e-5, but for K / (K - 1)", () => {
  const d = 1e-4;
  const random = mulberry32(3);
  let apart = 0;
  for (let trial = 0; trial < 50; trial++) {
    const scores = Array.from({ length: 4 }, () => between(-4, 4, random));
    const label = integerBelow(4, random);
    softmaxGradient(scores, label).forEach(({ g, h }, k) => {
      const moved = (by: number) => scores.with(k, scores[k]! + by);
      const slope = (softmaxLoss(moved(d), label) - softmaxLoss(moved(-d), label)) / (2 * d);
      const gOf = (by: number) => softmaxGradient(moved(by), label)[k]!.g;
      apart = Math.max(apart, Math.abs(g - slope), Math.abs((h * 3) / 4 - (gOf(d) - gOf(-d)) / (2 * d)));
    });
  }
  expect(apart).toBeLessThan(1e-5);
});

test("bestNumeric gains what the best of all ways to cut the rows gains", () => {
  const random = mulberry32(3);
  for (let trial = 0; trial < 50; trial++) {
    const n = 20 + integerBelow(30, random);
    const rows = Array.from({ length: n }, () => ({ g: between(-1, 1, random), h: random() }));
    const bins = rows.map(() => integerBelow(7, random));
    const missing = 6;
    const gains = [0];
    for (let t = 0; t < missing; t++) {
      for (const missingLeft of [true, false]) {
        const goesLeft = (row: number) => (bins[row] === missing ? missingLeft : bins[row]! <= t);
        const side = (left: boolean) =>
          sumOf(rows.filter((_, row) => goesLeft(row) === left).map((row) => ({ ...row, count: 1 })));
        gains.push(splitGain(side(true), side(false), options) ?? 0);
      }
    }
    const best = bestNumeric(histogram(bins, rows, missing + 1), options);
    expect(best?.gain ?? 0).toBeCloseTo(Math.max(...gains), 10);
  }
});
