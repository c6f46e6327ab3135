// Posterior draws as one model: their joint prediction, and one table that summarizes them.
//
//   prediction   the mean of the draws' predictions: of probabilities, or of scores without a link
//   table        the mean of the draws, after each is rotated to match the last. Scores do not change under V -> V Q,
//                so without the rotation the vectors would cancel out
//   table scale  for labels 0 and 1, one factor by which the table's scores are multiplied: the mean of the draws ignores
//                the chain's uncertainty, so its probabilities are too close to 0 and 1. The factor moderates them, as in
//                MacKay 1992 (10.1162/neco.1992.4.5.720); it is fitted to the validation split like a temperature (Guo
//                et al. 2017, arXiv:1706.04599). The order of scores does not change:
//                scores(a w0, a w, sqrt(a) V) = a scores(w0, w, V)

import type { FeatureRows } from "../../../dataset/rows.js";
import { log } from "../../../base/numeric/exp.js";
import { arrayOf, type NamedArrays } from "../../../training/epochs/named-arrays.js";
import { addRotated, rotationOnto } from "../../../compute/solvers/rotation.js";
import { FmMachine } from "../../shared/factor-model/machine.js";
import { scoringShape, type FmParameters } from "../../shared/factor-model/model.js";
import { RowsBuffer } from "../../shared/factor-model/rows-buffer.js";
import { lesserProbability, meanLoss, type Link } from "./link.js";

export interface Ensemble {
  link: Link;
  draws: FmParameters[];
  /** factor by which the table's scores were multiplied; absent: 1 */
  tableScale?: number;
}

/** Scores rows with one posterior draw after another; the rows stay in memory. The caller must call `terminate`. */
interface DrawScorer {
  /** Scores the rows with a draw. @returns f32[numRows], a view that the next call overwrites */
  score(draw: FmParameters): Promise<Float32Array>;
  terminate(): Promise<void>;
}

/**
 * @param shape any draw; only its dimensions are used
 * @throws {UsageError} rows and a draw do not fit into 4 GiB
 */
export async function drawScorer(
  shape: Pick<FmParameters, "w" | "dim">,
  threads: number,
  rows: FeatureRows,
): Promise<DrawScorer> {
  const machine = await FmMachine.start(scoringShape(shape, threads));
  const { arena } = machine;
  try {
    const buffer = new RowsBuffer(arena, "the rows to score").load(rows);
    const scores = machine.allocateScores(rows.numRows);
    return {
      async score(parameters) {
        machine.bias = parameters.w0;
        await machine.importFrom(parameters);
        await machine.score(buffer, scores);
        return arena.f32(scores).subarray(0, rows.numRows);
      },
      terminate: () => machine.terminate(),
    };
  } catch (error) {
    await machine.terminate();
    throw error;
  }
}

/** The mean prediction of posterior draws, accumulated one draw at a time. */
export class MeanPrediction {
  numDraws = 0;
  readonly #link: Link;
  /** f64[numRows]: sums of predictions over the draws; with a link function, sums of P(1) and of P(0) */
  #sums: Float64Array;
  #others: Float64Array;

  constructor(link: Link, numRows: number) {
    this.#link = link;
    this.#sums = new Float64Array(numRows);
    this.#others = new Float64Array(link === "identity" ? 0 : numRows);
  }

  add(scores: Float32Array): void {
    this.numDraws++;
    for (let r = 0; r < scores.length; r++) {
      const s = scores[r]!;
      if (this.#link === "identity") {
        this.#sums[r]! += s;
        continue;
      }
      // P(0) and P(1) are summed separately, so that the smaller one is not rounded away next to 1
      const less = lesserProbability(this.#link, s);
      this.#sums[r]! += s > 0 ? 1 - less : less;
      this.#others[r]! += s > 0 ? less : 1 - less;
    }
  }

  /** Returns the mean predictions, f32[numRows]; probabilities as log-odds. */
  scores(): Float32Array {
    const sums = this.#sums;
    if (this.#link === "identity") return Float32Array.from(sums, (sum) => sum / this.numDraws);
    return Float32Array.from(sums, (sum, r) => log(sum) - log(this.#others[r]!));
  }

  /** The sums by their names in a checkpoint. */
  get arrays(): NamedArrays {
    return { sums: this.#sums, others: this.#others, numAdded: Float64Array.of(this.numDraws) };
  }

  /** @throws {ArtifactError} they belong to other rows */
  set arrays(arrays: NamedArrays) {
    this.#sums = arrayOf(arrays, "sums", Float64Array, this.#sums.length);
    this.#others = arrayOf(arrays, "others", Float64Array, this.#others.length);
    this.numDraws = arrayOf(arrays, "numAdded", Float64Array, 1)[0]!;
  }
}

/**
 * Returns f32[numRows]: log-odds, or without a link values in the label's unit. Bytes do not depend on the thread count.
 *
 * @throws {UsageError} rows and a draw do not fit into 4 GiB
 */
export async function scoreEnsemble(
  { link, draws }: Ensemble,
  rows: FeatureRows,
  { threads }: { threads: number },
): Promise<Float32Array> {
  const scorer = await drawScorer(draws[0]!, threads, rows);
  try {
    const mean = new MeanPrediction(link, rows.numRows);
    for (const each of draws) mean.add(await scorer.score(each));
    return mean.scores();
  } finally {
    await scorer.terminate();
  }
}

/**
 * Rotates each draw to match the last one (orthogonal Procrustes).
 * @param counts [numFeatures]: number of events, as weights
 */
export function rotatedAlike(draws: readonly FmParameters[], counts: Uint32Array): FmParameters[] {
  const { vectors: last, dim } = draws.at(-1)!;
  return draws.map((each) => ({ ...each, vectors: rotatedOnto(each.vectors, last, counts, dim) }));
}

/** Returns f32[numFeatures * dim]: `from` rotated to match `to`; features are weighted by their events. */
export function rotatedOnto(
  from: Float32Array,
  to: Float32Array,
  counts: Uint32Array,
  dim: number,
): Float32Array {
  const rotated = new Float64Array(from.length);
  addRotated(rotated, from, rotationOnto(from, to, counts, dim));
  return Float32Array.from(rotated);
}

/**
 * Returns the mean of the draws, each rotated to match the last one.
 * @param counts [numFeatures]: number of events, as weights
 */
export function meanOfDraws(draws: readonly FmParameters[], counts: Uint32Array): FmParameters {
  const { w: lastW, vectors: last, dim } = draws.at(-1)!;
  const w = new Float64Array(lastW.length);
  const vectors = new Float64Array(last.length);
  let w0 = 0;
  for (const each of draws) {
    addRotated(vectors, each.vectors, rotationOnto(each.vectors, last, counts, dim));
    for (let i = 0; i < w.length; i++) w[i]! += each.w[i]!;
    w0 += each.w0;
  }
  const mean = (sum: number) => sum / draws.length;
  return {
    dim,
    w0: Math.fround(mean(w0)),
    w: Float32Array.from(w, mean),
    vectors: Float32Array.from(vectors, mean),
  };
}

/** Bounds of the factor of a table's scores; at most 1, so that predictions never become more confident. */
const [LEAST, MOST] = [0.05, 1];
/** Steps of the golden-section search, which give a precision of 2e-5. */
const STEPS = 24;
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Returns the factor with the smallest loss, by golden-section search; the loss is convex in the factor.
 *
 * @param scores f32[numRows]: scores of the table
 * @returns an f32 in [0.05, 1]
 */
export function bestScale(link: Link, scores: Float32Array, rows: FeatureRows): number {
  const lossAt = (factor: number) => {
    const prediction = new MeanPrediction(link, rows.numRows);
    prediction.add(scores.map((s) => factor * s));
    return meanLoss("logistic", prediction.scores(), rows);
  };
  let [from, to]: [number, number] = [LEAST, MOST];
  let [left, right] = [to - GOLDEN * (to - from), from + GOLDEN * (to - from)];
  let [atLeft, atRight] = [lossAt(left), lossAt(right)];
  for (let step = 0; step < STEPS; step++) {
    if (atLeft <= atRight) {
      [to, right, atRight] = [right, left, atLeft];
      left = to - GOLDEN * (to - from);
      atLeft = lossAt(left);
    } else {
      [from, left, atLeft] = [left, right, atRight];
      right = from + GOLDEN * (to - from);
      atRight = lossAt(right);
    }
  }
  const found = Math.fround((from + to) / 2);
  return lossAt(found) < lossAt(MOST) ? found : MOST;
}

/** Returns a copy of the model whose scores are multiplied by `factor`. */
export function scaledBy(factor: number, { dim, w0, w, vectors }: FmParameters): FmParameters {
  if (factor === 1) return { dim, w0: Math.fround(w0), w, vectors };
  const root = Math.sqrt(factor);
  return {
    dim,
    w0: Math.fround(factor * w0),
    w: w.map((x) => factor * x),
    vectors: vectors.map((x) => root * x),
  };
}
