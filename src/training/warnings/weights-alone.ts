// The control of models that predict labels: a model with a weight per feature and no vectors, fitted on the same rows.
//
//   score_r = w0 + sum over the row's pairs of w_j x_j        w_j of a field ~ N(0, v), with v estimated from the rows
//
// The loss is approximated by a parabola in each row's score, with residual e and curvature h, and is minimized field
// by field. Two features of one field rarely occur in the same row, so the step of a field's weights has a closed form:
//
//   w_j += (sum x e - w_j / v) / (sum h x X + 1 / v)     X: sum of |x| over the row's pairs of the field,
//                                                        which bounds their cross terms
//   v    = sum of w_j^2 / sum of g_j                     g_j = sum h x X / (sum h x X + 1 / v), the share of w_j
//                                                        that the rows determine
//
// The weight of a key with few rows is shrunk to 0, as strongly as the field's other weights suggest. Sources: Breslow
// and Clayton 1993 (doi:10.1080/01621459.1993.10594284) for penalized quasi-likelihood; MacKay 1992
// (doi:10.1162/neco.1992.4.3.415), eq. 3.24, for the step of v.

import { groupStarts } from "../../base/numeric/groups.js";
import { mapTo } from "../../base/numeric/indices.js";
import { fieldOfFeatures, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { firstPair, rowsAt, type FeatureRows } from "../../dataset/rows.js";
import { logistic } from "../../base/numeric/exp.js";

/** For many rows, the first cycles of the fit use every 8th row, later cycles every 2nd row. */
const SAMPLED = {
  fromRows: 100_000,
  stages: [
    { every: 8, cycles: 3 },
    { every: 2, cycles: 1 },
  ],
};
/** At least one cycle over all rows, up to `most` while fewer than `pairs` were read and `left` nats a row may remain. */
const ALL = { most: 12, pairs: 1 << 21, left: 1e-4 };
/** Minimum curvature of a row, which limits the step if its probability is close to 0 or 1. */
const LEAST_CURVATURE = 1e-3;

const LEAST_VARIANCE = 1e-6;
/** Number of rows that are transposed at a time, so that they fit into the L2 cache. */
const COPIED = 4096;

/** Table of the logistic function, STEPS points per unit from -END to END; interpolated with an error of at most 1e-6. */
const STEPS = 128;
const END = 20;
const logistics = mapTo(Float64Array, { length: 2 * END * STEPS + 2 }, (_, i) => logistic(i / STEPS - END));

/** Interpolates `logistic`, which takes a fifth of the time; fitting does not need full precision. */
function nearLogistic(score: number): number {
  const at = (Math.min(Math.max(score, -END), END) + END) * STEPS;
  const i = Math.floor(at);
  return logistics[i]! + (at - i) * (logistics[i + 1]! - logistics[i]!);
}

interface FeatureWeights {
  bias: number;
  /** weight of each feature, f64[numFeatures] */
  weights: Float64Array;
}

type Fields = Pick<FeatureSpace, "offsets" | "numFeatures">;

interface Pairs {
  numRows: number;
  addTo(rows: Float32Array, weights: Float64Array): void;
  /**
   * Updates the residuals by the steps of the previous field, and computes sums over the pairs of a field. For a pair
   * of feature j, x is its value, e and h are the residual and the curvature of the row's loss, and X is the sum of |x|
   * over the row's pairs of the field.
   *
   * @param sums f64[2 * numFeatures]: contains the steps of the previous field at 2 j; receives the sums over the
   *   field's pairs of x e at 2 j and of h x X at 2 j + 1
   */
  pass(before: number | undefined, field: number, rows: Parabolas, sums: Float64Array): void;
}

/** f32[numRows] each: residual and curvature of the loss of each row at its score. */
interface Parabolas {
  residuals: Float32Array;
  curvatures: Float32Array;
}

/** Fits the weights to the labels of the rows. The bytes of the weights depend only on the rows. */
export function fitWeights(rows: FeatureRows, space: Fields, loss: "logistic" | "squared"): FeatureWeights {
  const fitted = { bias: 0, weights: new Float64Array(space.numFeatures) };
  const variances = new Float64Array(space.offsets.length);
  const columns = fieldColumns(rows, space);
  const run = (every: number, cycles: number) => {
    const pairs = sampledPairs(rows, space, every, columns);
    const fit = cyclesOver(rows, pairs, space, loss, every, { fitted, variances });
    let before = Infinity;
    for (let cycle = 0; cycle < cycles; cycle++) {
      // estimates the remaining gain, assuming that it decreases by a constant factor per cycle
      const saved = fit();
      const ratio = saved / before;
      if (cycle > 0 && ratio < 1 && (saved * ratio) / (1 - ratio) < ALL.left) break;
      before = saved;
    }
  };
  if (rows.numRows >= SAMPLED.fromRows) for (const { every, cycles } of SAMPLED.stages) run(every, cycles);
  const more = Math.floor(ALL.pairs / Math.max(1, firstPair(rows, rows.numRows)));
  run(1, Math.min(1 + more, ALL.most));
  return fitted;
}

/** Prepares the rows. @returns function that performs a cycle and returns the decrease of the loss in nats per row */
function cyclesOver(
  rows: FeatureRows,
  pairs: Pairs,
  space: Fields,
  loss: "logistic" | "squared",
  every: number,
  { fitted, variances }: { fitted: FeatureWeights; variances: Float64Array },
): () => number {
  const { numRows } = pairs;
  const at = { residuals: new Float32Array(numRows), curvatures: new Float32Array(numRows) };
  const sums = new Float64Array(2 * space.numFeatures);
  const numFields = space.offsets.length - 1;
  return () => {
    const noise = takeParabolas(rows, every, pairs, loss, fitted, at);
    let saved = 0;
    sums.fill(0);
    for (let f = 0; f < numFields; f++) {
      pairs.pass(f > 0 ? f - 1 : undefined, f, at, sums);
      const range = [space.offsets[f]!, space.offsets[f + 1]!] as const;
      const stepped = stepField(range, sums, noise, variances[f]! || noise, fitted.weights);
      variances[f] = stepped.variance;
      saved += stepped.saved;
    }
    return saved / (noise * numRows);
  };
}

/** Scores rows. @returns f32[numRows]: log-odds for the logistic loss, otherwise predictions */
export function weightScores(rows: FeatureRows, { bias, weights }: FeatureWeights): Float32Array {
  const { numRows, ids, values } = rows;
  const scores = new Float32Array(numRows);
  for (let r = 0; r < numRows; r++) {
    const end = firstPair(rows, r + 1);
    let score = bias;
    for (let pair = firstPair(rows, r); pair < end; pair++)
      score += weights[ids[pair]!]! * (values ? values[pair]! : 1);
    scores[r] = score;
  }
  return scores;
}

/** Also updates the bias. @returns variance of the labels around their scores, in units of the curvature */
function takeParabolas(
  { labels, weights: counts }: FeatureRows,
  every: number,
  pairs: Pairs,
  loss: "logistic" | "squared",
  fitted: FeatureWeights,
  { residuals, curvatures }: Parabolas,
): number {
  residuals.fill(fitted.bias);
  pairs.addTo(residuals, fitted.weights);
  const isLogistic = loss === "logistic";
  let gradient = 0;
  let curvature = 0;
  let squares = 0;
  for (let r = 0; r < residuals.length; r++) {
    const count = counts ? counts[r * every]! : 1;
    const p = isLogistic ? nearLogistic(residuals[r]!) : residuals[r]!;
    const e = labels[r * every]! - p;
    const h = isLogistic ? Math.max(p * (1 - p), LEAST_CURVATURE) : 1;
    residuals[r] = count * e;
    curvatures[r] = count * h;
    gradient += count * e;
    curvature += count * h;
    squares += count * e * e;
  }
  const step = gradient / curvature;
  fitted.bias += step;
  for (let r = 0; r < residuals.length; r++) residuals[r]! -= curvatures[r]! * step;
  return isLogistic ? 1 : Math.max(squares / curvature - step ** 2, Number.MIN_VALUE);
}

/** Updates a field's weights, and writes each change to `sums`. @returns variance of the weights, decrease of the loss */
function stepField(
  [first, end]: readonly [first: number, end: number],
  sums: Float64Array,
  noise: number,
  variance: number,
  weights: Float64Array,
): { variance: number; saved: number } {
  const penalty = noise / variance;
  let squares = 0;
  let decided = 0;
  let saved = 0;
  for (let j = first; j < end; j++) {
    if (sums[2 * j + 1] === 0) continue;
    const curvature = sums[2 * j + 1]! + penalty;
    const step = (sums[2 * j]! - penalty * weights[j]!) / curvature;
    weights[j]! += step;
    sums[2 * j] = step;
    squares += weights[j]! ** 2;
    decided += sums[2 * j + 1]! / curvature;
    saved += (step * step * curvature) / 2;
  }
  // keeps the variance above 0 if all weights of the field are 0
  return { variance: decided > 0 ? Math.max(squares / decided, LEAST_VARIANCE * noise) : variance, saved };
}

/** Returns the (feature, value) pairs of every `every`-th row. @param columns result of fieldColumns */
function sampledPairs(
  rows: FeatureRows,
  space: Fields,
  every: number,
  columns: Uint32Array | undefined,
): Pairs {
  const { numRows } = rows;
  if (columns) return densePairs(columns, numRows, every);
  const places = mapTo(Uint32Array, { length: Math.ceil(numRows / every) }, (_, n) => n * every);
  return sparsePairs(every === 1 ? rows : rowsAt(rows, places), space);
}

/** Transposes rows that have one feature of value 1 per field, to u32[width][numRows]; undefined for other rows. */
function fieldColumns(
  { numRows, width, ids, indptr, values }: FeatureRows,
  space: Fields,
): Uint32Array | undefined {
  if (indptr || values || width !== space.offsets.length - 1) return undefined;
  const columns = new Uint32Array(numRows * width);
  for (let first = 0; first < numRows; first += COPIED) {
    const end = Math.min(first + COPIED, numRows);
    for (let f = 0; f < width; f++)
      for (let r = first; r < end; r++) columns[f * numRows + r] = ids[r * width + f]!;
  }
  return columns;
}

function densePairs(columns: Uint32Array, all: number, every: number): Pairs {
  const numRows = Math.ceil(all / every);
  return {
    numRows,
    addTo(rows, weights) {
      for (let first = 0; first < columns.length; first += all)
        for (let r = 0, at = first; r < numRows; r++, at += every) rows[r]! += weights[columns[at]!]!;
    },
    pass(before, field, { residuals, curvatures }, sums) {
      const back = before === undefined ? 0 : (before - field) * all;
      for (let r = 0, at = field * all; r < numRows; r++, at += every) {
        const h = curvatures[r]!;
        if (back !== 0) residuals[r]! -= h * sums[2 * columns[at + back]!]!;
        const j = 2 * columns[at]!;
        sums[j]! += residuals[r]!;
        sums[j + 1]! += h;
      }
    },
  };
}

/** Sorts pairs of any rows by field: row and feature as u32, value x and X (sum of |x| over the row's field) as f32. */
function sparsePairs(rows: FeatureRows, space: Fields): Pairs {
  const { numRows, ids: all, values: xs } = rows;
  const fieldOf = fieldOfFeatures(space.offsets);
  const numPairs = firstPair(rows, numRows);
  const ends = groupStarts((pair) => fieldOf[all[pair]!]!, numPairs, space.offsets.length - 1);
  const starts = ends.slice();
  const [ids, rowOf] = [new Uint32Array(numPairs), new Uint32Array(numPairs)];
  const [values, bounds] = [new Float32Array(numPairs), new Float32Array(numPairs)];
  const totals = new Float64Array(space.offsets.length);
  for (let r = 0; r < numRows; r++) {
    const [from, to] = [firstPair(rows, r), firstPair(rows, r + 1)];
    for (let pair = from; pair < to; pair++) totals[fieldOf[all[pair]!]!] = 0;
    for (let pair = from; pair < to; pair++) totals[fieldOf[all[pair]!]!]! += Math.abs(xs ? xs[pair]! : 1);
    for (let pair = from; pair < to; pair++) {
      const f = fieldOf[all[pair]!]!;
      const at = ends[f]!++;
      ids[at] = all[pair]!;
      rowOf[at] = r;
      values[at] = xs ? xs[pair]! : 1;
      bounds[at] = totals[f]!;
    }
  }
  return {
    numRows,
    addTo(of, weights) {
      for (let n = 0; n < numPairs; n++) of[rowOf[n]!]! += weights[ids[n]!]! * values[n]!;
    },
    pass(before, field, { residuals, curvatures }, sums) {
      if (before !== undefined)
        for (let n = starts[before]!; n < starts[before + 1]!; n++)
          residuals[rowOf[n]!]! -= curvatures[rowOf[n]!]! * values[n]! * sums[2 * ids[n]!]!;
      for (let n = starts[field]!; n < starts[field + 1]!; n++) {
        const j = 2 * ids[n]!;
        sums[j]! += values[n]! * residuals[rowOf[n]!]!;
        sums[j + 1]! += Math.abs(values[n]!) * bounds[n]! * curvatures[rowOf[n]!]!;
      }
    },
  };
}
