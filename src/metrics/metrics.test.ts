import { readFileSync } from "node:fs";
import { join } from "node:path";
import { draw } from "../base/numeric/random.js";
import { auc, aucByUnit } from "./auc.js";
import { exp, log, logistic, softplus } from "../base/numeric/exp.js";
import { metricsOf, goodness, metricText, rankingMetricNames, titleOf } from "./metrics.js";
import { projectFolder } from "../testing/places.js";

const f32 = (...values: number[]): Float32Array => Float32Array.from(values);
const f64 = (...values: number[]): Float64Array => Float64Array.from(values);

/** Returns a generator of seeded random numbers in [0, 1). */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state ^ (state >>> 15)) >>> 0) / 2 ** 32 + 0.5 / 2 ** 33;
  };
}

describe("elementary functions", () => {
  test("exp and log agree with the engine's to 2 units in the last place over their whole range", () => {
    const draw = uniform(1);
    let worst = 0;
    for (let i = 0; i < 100_000; i++) {
      const x = (draw() - 0.5) * 1400;
      worst = Math.max(worst, Math.abs(exp(x) / Math.exp(x) - 1));
      const y = Math.exp(x) * (1 + draw());
      worst = Math.max(worst, Math.abs(log(y) - Math.log(y)) / Math.max(Math.abs(Math.log(y)), 1e-300));
      const z = draw() * 3;
      worst = Math.max(worst, Math.abs(log(z) - Math.log(z)) / Math.abs(Math.log(z)));
    }
    expect(worst).toBeLessThan(2 ** -51);
  });

  test("the ends of the range are as IEEE 754 says", () => {
    expect([exp(0), exp(1000), exp(-1000), exp(Number.NaN)]).toEqual([1, Infinity, 0, Number.NaN]);
    expect(exp(-745)).toBe(5e-324);
    expect(exp(709.7) / Math.exp(709.7)).toBeCloseTo(1, 14);
    expect([log(1), log(0), log(-1), log(Infinity)]).toEqual([0, -Infinity, Number.NaN, Infinity]);
    expect(log(5e-324)).toBeCloseTo(-744.4400719213812, 10);
  });

  test("softplus and logistic neither overflow nor lose small values", () => {
    expect([softplus(1000), softplus(-1000), logistic(1000), logistic(-1000)]).toEqual([1000, 0, 1, 0]);
    expect(softplus(-40) / Math.exp(-40)).toBeCloseTo(1, 14);
    expect(softplus(0)).toBeCloseTo(Math.LN2, 15);
  });
});

describe("auc", () => {
  test("hand-worked: one tie between classes counts half", () => {
    // The AUC is the mean over pairs of a positive and a negative: the scores (0.9, 0.5) and (0.9, 0.1) count 1, the
    // tie (0.5, 0.5) 1/2, and (0.5, 0.1) 1.
    expect(auc(f32(0.9, 0.5, 0.5, 0.1), f32(1, 1, 0, 0))).toBe(3.5 / 4);
    expect(auc(f32(1, 1, 1), f32(1, 0, 0))).toBe(0.5);
    expect(auc(f32(-0, 0), f32(1, 0))).toBe(0.5);
    expect(auc(f32(1, 2), f32(1, 1))).toBeNaN();
  });

  test.each([3, 20, 1e9])("agrees exactly with comparing every pair, on scores of %d levels", (levels) => {
    const draw = uniform(levels);
    const numRows = 600;
    const scores = Float32Array.from({ length: numRows }, () => Math.floor(draw() * levels));
    const labels = Float32Array.from({ length: numRows }, () => (draw() < 0.3 ? 1 : 0));
    let won = 0;
    let pairs = 0;
    for (let i = 0; i < numRows; i++) {
      for (let j = 0; j < numRows; j++) {
        if (labels[i] !== 1 || labels[j] !== 0) continue;
        pairs++;
        if (scores[i]! > scores[j]!) won++;
        else if (scores[i] === scores[j]) won += 0.5;
      }
    }
    expect(auc(scores, labels)).toBeCloseTo(won / pairs, 14);
    expect(auc(Float64Array.from(scores), labels)).toBe(auc(scores, labels));
  });
});

describe("metricsOf", () => {
  test("binary, hand-worked: three rows at even odds, one positive", () => {
    const metrics = metricsOf("binary", f64(0, 0, 0), f32(1, 0, 0));
    const entropy = -(Math.log(1 / 3) / 3 + (2 * Math.log(2 / 3)) / 3);
    expect(Object.keys(metrics)).toEqual(["logLoss", "normalizedEntropy", "auc", "calibration"]);
    expect(metrics["logLoss"]).toBeCloseTo(Math.LN2, 14);
    expect(metrics["normalizedEntropy"]).toBeCloseTo(Math.LN2 / entropy, 14);
    expect(metrics["auc"]).toBe(0.5);
    expect(metrics["calibration"]).toBeCloseTo(1.5, 14);
  });

  test("predicting the base rate has a normalized entropy and a calibration of 1", () => {
    const score = Math.log(0.25 / 0.75);
    const metrics = metricsOf("binary", f64(score, score, score, score), f32(0, 1, 0, 0));
    expect(metrics["normalizedEntropy"]).toBeCloseTo(1, 14);
    expect(metrics["calibration"]).toBeCloseTo(1, 14);
  });

  test("what the labels do not define is left out", () => {
    expect(Object.keys(metricsOf("binary", f64(1, 2), f32(1, 1)))).toEqual(["logLoss", "calibration"]);
    expect(Object.keys(metricsOf("binary", f64(1, 2), f32(0, 0)))).toEqual(["logLoss"]);
    expect(metricsOf("binary", f64(), f32())).toEqual({});
    expect(metricsOf("regression", f64(), f32())).toEqual({});
  });

  test("regression, hand-worked, with and without clipping", () => {
    expect(metricsOf("regression", f64(1, 12), f32(4, 8))).toEqual({ rmse: Math.sqrt(12.5), mae: 3.5 });
    expect(metricsOf("regression", f64(1, 12), f32(4, 8), { clip: [2, 10] })).toEqual({
      rmse: 2,
      mae: 2,
    });
  });

  test("a row of weight 2 is the row twice, ties in the AUC included", () => {
    const [scores, labels] = [f64(1, 1, -2, 0.5), f32(1, 0, 0, 1)];
    const [twiceScores, twiceLabels] = [f64(1, 1, 1, -2, 0.5, 0.5, 0.5), f32(1, 0, 0, 0, 1, 1, 1)];
    const weights = f32(1, 2, 1, 3);
    for (const task of ["binary", "regression"] as const) {
      const weighted = metricsOf(task, scores, labels, { weights });
      const repeated = metricsOf(task, twiceScores, twiceLabels);
      expect(Object.keys(weighted)).toEqual(Object.keys(repeated));
      for (const [name, value] of Object.entries(repeated)) expect(weighted[name]).toBeCloseTo(value, 12);
    }
  });

  test("a certain and wrong score has a finite loss", () => {
    expect(metricsOf("binary", f64(-1e6), f32(1))["logLoss"]).toBe(1e6);
  });

  test("a NaN score is a DivergedError", () => {
    expect(() => metricsOf("binary", f64(Number.NaN), f32(1))).toThrow(/score of row 1 is NaN/);
  });
});

describe("aucByUnit", () => {
  // Scores, labels and weights are random numbers from seeds; some scores are equal.
  const n = 400;
  const scores = Float64Array.from({ length: n }, (_, i) => Math.floor(draw(5, i) / 2 ** 27));
  const labels = Float32Array.from({ length: n }, (_, i) =>
    draw(6, i) / 2 ** 32 < 0.3 + scores[i]! / 80 ? 1 : 0,
  );
  const weights = Float32Array.from({ length: n }, (_, i) => 1 + (draw(7, i) % 3));
  const of = Uint32Array.from({ length: n }, (_, i) => draw(8, i) % 40);
  const mean = (shares: Float64Array): number =>
    shares.reduce((sum, share) => sum + share, 0) / shares.length;

  test.each([["rows that count alike", undefined] as const, ["weighted rows", weights] as const])(
    "of %s, the mean is the area, and a unit's share is how the area moves as the unit counts more, to 1e-6",
    (_, of1) => {
      const whole = auc(scores, labels, of1);
      const shares = aucByUnit(scores, labels, { of, size: 40 }, of1)!;
      expect(mean(shares)).toBeCloseTo(whole, 12);
      const differences = Array.from(shares, (share, unit) => {
        const step = 2 ** -8;
        const counted = (sign: number): number =>
          auc(
            scores,
            labels,
            Float32Array.from(
              { length: n },
              (__, i) => (of1?.[i] ?? 1) * (1 + (of[i] === unit ? sign * step : 0)),
            ),
          );
        return (share - whole) / 40 - (counted(1) - counted(-1)) / (2 * step);
      });
      expect(Math.max(...differences.map(Math.abs))).toBeLessThan(1e-6);
    },
  );

  test("of one class there is none", () => {
    expect(
      aucByUnit(
        scores,
        labels.map(() => 1),
        { of, size: 40 },
      ),
    ).toBeUndefined();
  });
});

test("docs/evaluation.md defines every metric of lists", () => {
  const page = readFileSync(join(projectFolder, "docs", "evaluation.md"), "utf8").toLowerCase();
  expect(rankingMetricNames.filter((name) => !page.includes(`- ${name.toLowerCase()}@k: `))).toEqual([]);
});

test("titles, directions and digits come from the table, at any K and among new items", () => {
  expect(["ndcgAt20", "newRecallAt3", "sameLabelAt10", "auc", "other"].map(titleOf)).toEqual([
    ...["ndcg@20", "among new: recall@3", "same label @10", "AUC", "other"],
  ]);
  expect([goodness("rmse", 2), goodness("calibration", 1.5), goodness("giniAt5", 1)]).toEqual([
    ...[-2, -0.5, undefined],
  ]);
  expect([metricText("popularityAt5", 2), metricText("recallAt5", 2)]).toEqual(["2.0", "2.0000"]);
});
