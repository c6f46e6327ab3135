// Tests ALS and MCMC on planted data, and properties of every run.

import type { FeatureRows } from "../../../dataset/rows.js";
import { DivergedError } from "../../../base/errors.js";
import { exp } from "../../../base/numeric/exp.js";
import { normalCdf, normalDraw } from "../../../base/numeric/normal.js";
import { draw } from "../../../base/numeric/random.js";
import type { FmParameters } from "../../shared/factor-model/model.js";
import type { FmOptions } from "../options.js";
import { defaultFmOptions } from "../../../testing/fm-options.js";
import { meanOfDraws, scoreEnsemble } from "./draws.js";
import { trainCoordinates, type CoordinateInput } from "./train.js";

const unit = (key: number, i: number) => draw(key, i) / 2 ** 32;
const optionsOf = (
  method: "als" | "mcmc",
  loss: FmOptions["loss"],
  rest: Partial<FmOptions> = {},
): FmOptions => ({ ...defaultFmOptions(loss, method), dim: 3, epochs: 12, threads: 1, ...rest });

// fields: 20 users, 12 items, one number, and 6 tags of which a row has up to three
const offsets = [0, 20, 32, 33, 39];
const numFeatures = 39;

/** Returns the score of a row by the planted factorization machine. */
function plantedScore(ids: number[], values: number[]): number {
  let score = 0.4;
  for (const [i, id] of ids.entries()) score += 0.5 * normalDraw(draw(71, id) || 1) * values[i]!;
  for (let d = 0; d < 2; d++) {
    const terms = ids.map((id, i) => 0.6 * normalDraw(draw(72 + d, id) || 1) * values[i]!);
    const sum = terms.reduce((total, term) => total + term, 0);
    score += 0.5 * (sum ** 2 - terms.reduce((total, term) => total + term ** 2, 0));
  }
  return score;
}

/** Generates rows with every kind of cell; some cells are missing. */
function plantedRows(seed: number, numRows: number, loss: FmOptions["loss"]): FeatureRows {
  const [ids, values, labels]: [number[], number[], number[]] = [[], [], []];
  const indptr = new Uint32Array(numRows + 1);
  for (let r = 0; r < numRows; r++) {
    const key = draw(seed, r);
    const row: [id: number, x: number][] = [[draw(key, 0) % 20, 1]];
    if (draw(key, 1) % 10 > 0) row.push([20 + (draw(key, 2) % 12), 1]);
    if (draw(key, 3) % 10 > 0) row.push([32, Math.fround(normalDraw(draw(key, 4)))]);
    const tags = [0, 1, 2, 3, 4, 5].filter((tag) => draw(key, 10 + tag) % 3 === 0).slice(0, 3);
    for (const tag of tags) row.push([33 + tag, Math.fround(1 / tags.length)]);
    const score = plantedScore(
      row.map(([id]) => id),
      row.map(([, x]) => x),
    );
    labels.push(
      loss === "squared"
        ? Math.fround(score + 0.3 * normalDraw(draw(key, 5)))
        : unit(key, 6) < normalCdf(score)
          ? 1
          : 0,
    );
    for (const [id, x] of row) {
      ids.push(id);
      values.push(x);
    }
    indptr[r + 1] = ids.length;
  }
  return {
    numRows,
    width: 0,
    indptr,
    ids: Uint32Array.from(ids),
    values: Float32Array.from(values),
    labels: Float32Array.from(labels),
  };
}

function inputOf(train: FeatureRows, valid?: FeatureRows): CoordinateInput {
  const counts = new Uint32Array(numFeatures);
  for (const id of train.ids) counts[id]!++;
  return {
    offsets,
    featureHashes: Uint32Array.from({ length: 2 * numFeatures }, (_, i) => draw(9, i)),
    counts,
    standsForUnseen: () => false,
    train,
    valid,
  };
}

const maxDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));
const meanSquare = (scores: Float32Array, labels: Float32Array) =>
  scores.reduce((sum, s, r) => sum + (s - labels[r]!) ** 2, 0) / scores.length;

// three chunks of rows
const manyRows = {
  squared: plantedRows(2, 36_000, "squared"),
  logistic: plantedRows(2, 36_000, "logistic"),
};

describe.each(["als", "mcmc"] as const)("%s", (method) => {
  test.each([
    ["squared", "logit"],
    ["logistic", "logit"],
    ["logistic", "probit"],
  ] as const)(
    "%s loss, %s: the training loss, from residuals carried along for 12 sweeps, is that of the last draw's own scores to 1e-5",
    async (loss, link) => {
      const rows = plantedRows(1, 900, loss);
      const options = optionsOf(method, loss, { draws: 1, link });
      const probability = link === "probit" ? normalCdf : (s: number) => 1 / (1 + Math.exp(-s));
      const model = await trainCoordinates(inputOf(rows), options);
      const { draws } = model.ensemble;
      expect(draws).toHaveLength(1);
      const scores = await scoreEnsemble({ link: "identity", draws }, rows, { threads: 1 });
      const expected =
        loss === "squared"
          ? meanSquare(scores, rows.labels)
          : scores.reduce((sum, s, r) => sum - Math.log(probability(rows.labels[r] ? s : -s)), 0) /
            rows.numRows;
      expect(Math.abs(model.epochs.at(-1)!.trainLoss - expected)).toBeLessThan(1e-5);
    },
  );

  test.each(["squared", "logistic"] as const)(
    "%s loss: the same bytes with 1, 2 and 3 threads, of rows in several chunks",
    async (loss) => {
      const input = inputOf(manyRows[loss], plantedRows(3, 500, loss));
      const models = await Promise.all(
        [1, 2, 3].map((threads) =>
          trainCoordinates(input, optionsOf(method, loss, { threads, epochs: 4, patience: 0 })),
        ),
      );
      const bytes = models.map(({ w0, w, vectors, ensemble, epochs }) =>
        Buffer.concat([
          Buffer.from(JSON.stringify([w0, epochs.map(({ trainLoss, validLoss }) => [trainLoss, validLoss])])),
          Buffer.from(w.buffer),
          Buffer.from(vectors.buffer),
          ...ensemble.draws.map((each) => Buffer.from(each.vectors.buffer)),
        ]).toString("base64"),
      );
      expect(new Set(bytes).size).toBe(1);
    },
  );

  test("one-hot rows, two passes in one: the same bytes with 1 and 3 threads, and the loss of the draw's own scores", async () => {
    const numRows = 36_000;
    const sizes = [7, 300, 2, 40, 5, 11];
    const ends = sizes.map((_, f) => sizes.slice(0, f + 1).reduce((sum, size) => sum + size, 0));
    const ids = Uint32Array.from(
      { length: numRows * sizes.length },
      (_, p) => ends[p % sizes.length]! - 1 - (draw(55, p) % sizes[p % sizes.length]!),
    );
    const labels = Float32Array.from({ length: numRows }, (_, r) => normalDraw(draw(56, r)));
    const counts = new Uint32Array(ends.at(-1)!);
    for (const id of ids) counts[id]!++;
    const input: CoordinateInput = {
      offsets: [0, ...ends],
      featureHashes: Uint32Array.from({ length: 2 * counts.length }, (_, i) => draw(9, i)),
      counts,
      standsForUnseen: () => false,
      train: { numRows, width: sizes.length, ids, labels },
    };
    const [one, three] = await Promise.all(
      [1, 3].map((threads) =>
        trainCoordinates(input, optionsOf(method, "squared", { threads, epochs: 6, draws: 1 })),
      ),
    );
    expect(Buffer.from(one!.vectors.buffer)).toEqual(Buffer.from(three!.vectors.buffer));
    expect([one!.w0, one!.w]).toEqual([three!.w0, three!.w]);
    const scores = await scoreEnsemble(one!.ensemble, input.train, { threads: 1 });
    expect(Math.abs(one!.epochs.at(-1)!.trainLoss - meanSquare(scores, labels))).toBeLessThan(1e-5);
  });

  test("squared loss: comes near the planted noise of 0.09 on rows it has not seen", async () => {
    const [train, test] = [plantedRows(4, 6000, "squared"), plantedRows(5, 2000, "squared")];
    const penalties = method === "als" ? { l2Weight: 1, l2Vector: 1 } : {};
    const { ensemble } = await trainCoordinates(
      inputOf(train),
      optionsOf(method, "squared", { epochs: 40, ...penalties }),
    );
    const loss = meanSquare(await scoreEnsemble(ensemble, test, { threads: 1 }), test.labels);
    expect(loss).toBeGreaterThan(0.08);
    expect(loss).toBeLessThan(0.11);
  });

  test("squared loss: labels in thousands give a thousand times the scores, to a relative 1e-3", async () => {
    const rows = plantedRows(6, 1500, "squared");
    const large = { ...rows, labels: rows.labels.map((y) => 1000 * y) };
    const options = optionsOf(method, "squared", { epochs: 5 });
    const [small, big] = await Promise.all(
      [rows, large].map(async (each) => {
        const { ensemble } = await trainCoordinates(inputOf(each), options);
        return scoreEnsemble(ensemble, each, { threads: 1 });
      }),
    );
    expect(
      maxDifference(
        big!.map((s) => s / 1000),
        small!,
      ),
    ).toBeLessThan(2e-3);
  });

  test("one row, one field, dim 1", async () => {
    const rows = {
      numRows: 2,
      width: 1,
      ids: Uint32Array.of(0, 1),
      labels: Float32Array.of(1, 3),
    };
    const input = { ...inputOf(rows), offsets: [0, 2], counts: Uint32Array.of(1, 1) };
    const { ensemble } = await trainCoordinates(input, optionsOf(method, "squared", { dim: 1, epochs: 6 }));
    const scores = await scoreEnsemble(ensemble, rows, { threads: 1 });
    expect(Array.from(scores).every(Number.isFinite)).toBe(true);
  });

  test("a number that overflows is a DivergedError", async () => {
    const rows = plantedRows(7, 300, "squared");
    const values = rows.values!.map((x, i) => (rows.ids[i] === 32 ? x * 1e30 : x));
    await expect(
      trainCoordinates(inputOf({ ...rows, values }), optionsOf(method, "squared")),
    ).rejects.toThrow(DivergedError);
  });
});

test("ALS without penalties finds what exact least squares finds for weights alone, to 1e-4", async () => {
  // The log has two one-hot fields, and labels that are sums over both, so that a perfect fit exists.
  const numRows = 400;
  const ids = Uint32Array.from({ length: 2 * numRows }, (_, p) =>
    p % 2 ? 5 + (draw(3, p) % 4) : draw(3, p) % 5,
  );
  const labels = Float32Array.from({ length: numRows }, (_, r) => ids[2 * r]! * 0.7 - ids[2 * r + 1]! * 0.2);
  const counts = new Uint32Array(9);
  for (const id of ids) counts[id]!++;
  const input = { ...inputOf({ numRows, width: 2, ids, labels }), offsets: [0, 5, 9], counts };
  // the penalty is so large that vectors stay at zero
  const options = optionsOf("als", "squared", { l2Weight: 0, l2Vector: 1e12, epochs: 60 });
  const { ensemble } = await trainCoordinates(input, options);
  const scores = await scoreEnsemble(ensemble, input.train, { threads: 1 });
  expect(maxDifference(scores, labels)).toBeLessThan(1e-4);
});

test.each(["all", "field"] as const)(
  "MCMC's mean and mean square are the exact posterior's of a model of one weight, within four standard errors, prior of %s",
  async (priorOf) => {
    // The log has one feature, in half of the rows; its vector has no partner, so only w0, w and their hyperparameters
    // matter.
    const numRows = 60;
    const labels = Float32Array.from({ length: numRows }, (_, r) => (r % 2) * 0.8 + normalDraw(draw(5, r)));
    const indptr = Uint32Array.from({ length: numRows + 1 }, (_, r) => Math.floor(r / 2));
    const ids = new Uint32Array(numRows / 2);
    const train = { numRows, width: 0, indptr, ids, labels };
    const input = { ...inputOf(train), offsets: [0, 1], counts: Uint32Array.of(30) };
    const epochs = 20_000;
    const { ensemble } = await trainCoordinates(
      input,
      optionsOf("mcmc", "squared", { dim: 1, epochs, draws: 10_000, priorOf }),
    );

    // computes the posterior of w by numerical integration, in units of the labels' deviation: mu and lambda are on
    // grids, w0 and alpha are integrated out in closed form
    const average = labels.reduce((sum, y) => sum + y, 0) / numRows;
    const scale = Math.sqrt(labels.reduce((sum, y) => sum + (y - average) ** 2, 0) / numRows);
    const y = Array.from(labels, (label) => label / scale);
    const squaresAt = (w: number) => {
      const rest = y.map((each, r) => each - (r % 2) * w);
      const center = rest.reduce((sum, each) => sum + each, 0) / numRows;
      return rest.reduce((sum, each) => sum + (each - center) ** 2, 0);
    };
    let [total, moment, square] = [0, 0, 0];
    for (let w = -1; w < 2.5; w += 0.01) {
      // likelihood with alpha ~ Gamma(1/2, 1/2) and a flat prior of w0
      const likelihood = (1 + squaresAt(w)) ** (-numRows / 2);
      let prior = 0;
      for (let logLambda = -8; logLambda < 6; logLambda += 0.1) {
        const lambda = exp(logLambda);
        // prior with mu ~ N(0, 1 / lambda) integrated out: w ~ N(0, 2 / lambda); lambda ~ Gamma(1/2, 1/2) on a
        // logarithmic grid
        prior += Math.sqrt(lambda) * exp((-lambda * w * w) / 4) * Math.sqrt(lambda) * exp(-lambda / 2);
      }
      total += likelihood * prior;
      moment += likelihood * prior * w;
      square += likelihood * prior * w * w;
    }
    const mean = (values: number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
    for (const [power, exact] of [
      [1, moment / total],
      [2, square / total],
    ] as const) {
      const got = ensemble.draws.map(({ w }) => (w[0]! / scale) ** power);
      // means of 500 consecutive draws are nearly independent
      const batches = Array.from({ length: 20 }, (_, b) => mean(got.slice(500 * b, 500 * (b + 1))));
      const error = Math.sqrt(mean(batches.map((each) => (each - mean(got)) ** 2)) / 19);
      expect(error).toBeLessThan(0.02);
      expect(Math.abs(mean(got) - exact)).toBeLessThan(4 * error);
    }
  },
  60_000,
);

test("a table of draws is their mean once they are turned alike, and scores as they do", async () => {
  const rows = plantedRows(8, 4000, "squared");
  const input = inputOf(rows);
  const { ensemble, ...table } = await trainCoordinates(input, optionsOf("mcmc", "squared", { epochs: 60 }));
  expect(ensemble.draws).toHaveLength(20);
  const [byDraws, byTable] = await Promise.all(
    [ensemble, { link: "identity" as const, draws: [table] }].map((each) =>
      scoreEnsemble(each, rows, { threads: 1 }),
    ),
  );
  const spread = Math.sqrt(meanSquare(byDraws!, byTable!));
  expect(spread).toBeLessThan(0.1);

  // Expects that rotating the draws at random changes neither their scores nor the table.
  const rotated = ensemble.draws.map((each, i): FmParameters => {
    if (i === ensemble.draws.length - 1) return each;
    const angle = 6 * unit(9, i);
    const vectors = each.vectors.slice();
    for (let at = 0; at < vectors.length; at += 3) {
      const [x, y] = [each.vectors[at]!, each.vectors[at + 1]!];
      vectors[at] = Math.cos(angle) * x - Math.sin(angle) * y;
      vectors[at + 1] = Math.sin(angle) * x + Math.cos(angle) * y;
    }
    return { ...each, vectors };
  });
  expect(maxDifference(meanOfDraws(rotated, input.counts).vectors, table.vectors)).toBeLessThan(1e-5);
});

describe.each(["als", "mcmc"] as const)("weights of events, %s", (method) => {
  const weighted = (rows: FeatureRows, weightOf: (r: number) => number): FeatureRows => ({
    ...rows,
    weights: Float32Array.from({ length: rows.numRows }, (_, r) => weightOf(r)),
  });

  test.each(["squared", "logistic"] as const)(
    "%s loss: weights of 1 give the bytes of none",
    async (loss) => {
      const rows = plantedRows(11, 800, loss);
      const models = await Promise.all(
        [rows, weighted(rows, () => 1)].map((each) =>
          trainCoordinates(inputOf(each, each), optionsOf(method, loss, { epochs: 4 })),
        ),
      );
      const [none, ones] = models.map(({ w0, w, vectors, epochs }) => ({
        w0,
        w,
        vectors,
        losses: epochs.map(({ trainLoss, validLoss }) => [trainLoss, validLoss]),
      }));
      expect(ones).toEqual(none);
    },
  );

  test("rows of labels that contradict each other go to the side that weighs more", async () => {
    const rows = plantedRows(12, 2000, "logistic");
    const labels = rows.labels.map((_, r) => r % 2);
    const mean = async (weightOf: (r: number) => number) => {
      const { ensemble } = await trainCoordinates(
        inputOf(weighted({ ...rows, labels }, weightOf)),
        optionsOf(method, "logistic", { epochs: 8 }),
      );
      const scores = await scoreEnsemble(ensemble, rows, { threads: 1 });
      return scores.reduce((sum, s) => sum + s, 0) / rows.numRows;
    };
    // half of the labels are 1 and have three times the weight of the others, so the odds of label 1 are 3
    expect(Math.abs((await mean((r) => (r % 2 ? 1.5 : 0.5))) - Math.log(3))).toBeLessThan(0.15);
    expect(Math.abs(await mean(() => 1))).toBeLessThan(0.15);
  });
});

test("ALS of weights that are whole numbers is ALS of so many copies of each row, to 1e-4", async () => {
  const rows = plantedRows(13, 500, "squared");
  const copies = Array.from({ length: 500 }, (_, r) => 1 + (draw(14, r) % 3));
  const total = copies.reduce((sum, n) => sum + n, 0);
  // training divides weights by their mean, so the penalties are divided by it here
  const weights = Float32Array.from(copies, (n) => (500 * n) / total);
  const { indptr, ids, values } = rows;
  const order = copies.flatMap((n, r) => Array.from({ length: n }, () => r));
  const pairs = order.map((r) =>
    Array.from({ length: indptr![r + 1]! - indptr![r]! }, (_, i) => indptr![r]! + i),
  );
  const ends = [0];
  for (const own of pairs) ends.push(ends.at(-1)! + own.length);
  const repeated = {
    numRows: total,
    width: 0,
    indptr: Uint32Array.from(ends),
    ids: Uint32Array.from(pairs.flat(), (p) => ids[p]!),
    values: Float32Array.from(pairs.flat(), (p) => values![p]!),
    labels: Float32Array.from(order, (r) => rows.labels[r]!),
  };
  const options = optionsOf("als", "squared", { epochs: 10, l2Weight: 2, l2Vector: 2 });
  const heavier = { ...options, l2Weight: (2 * total) / 500, l2Vector: (2 * total) / 500 };
  const [one, other] = await Promise.all([
    trainCoordinates(inputOf({ ...rows, weights }), options),
    trainCoordinates(inputOf(repeated), heavier),
  ]);
  expect(maxDifference(one.w, other.w)).toBeLessThan(1e-4);
  expect(maxDifference(one.vectors, other.vectors)).toBeLessThan(1e-4);
});

test("a feature without events is 0, and the prior's mean where unseen keys meet it", async () => {
  const rows = plantedRows(10, 1500, "squared");
  const keep = rows.ids.map((id) => (id === 4 || id === 25 ? id - 1 : id));
  const input = { ...inputOf({ ...rows, ids: keep }), standsForUnseen: (feature: number) => feature === 4 };
  const { w, vectors } = await trainCoordinates(input, optionsOf("mcmc", "squared"));
  expect([w[25], ...vectors.slice(75, 78)]).toEqual([0, 0, 0, 0]);
  expect(w[4]).not.toBe(0);
});
