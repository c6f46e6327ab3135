// Draws of the posterior as one model: what they predict together, and one table that stands for them.
//
//   prediction   the mean of what the draws predict: of probabilities, or of the scores themselves without a link
//   table        the mean of the draws after each is rotated onto the last: scores do not change under V -> V Q, so without
//                it their vectors would cancel; probabilities moderated (table-scale.ts)

import type { FeatureRows } from "../../../dataset/rows.js";
import { log } from "../../../numeric/exp.js";
import { arrayOf, type NamedArrays } from "../../../training/epochs/named-arrays.js";
import { addRotated, rotationOnto } from "../../../solvers/rotation.js";
import { FmMachine } from "../../../factors/machine.js";
import { scoringShape, type FmParameters } from "../../../factors/model.js";
import { RowsBuffer } from "../../../factors/rows-buffer.js";
import { lesserProbability, type Link } from "./link.js";

/** Parameters that predict together. */
export interface Ensemble {
  link: Link;
  draws: FmParameters[];
  /** what the scores of the table were multiplied by; 1 when absent */
  tableScale?: number;
}

/** Scores the same rows with one draw after another; `terminate` must be called. */
export interface DrawScorer {
  /** The draw's scores, f32[numRows], a view that the next call writes over. */
  score(draw: FmParameters): Promise<Float32Array>;
  terminate(): Promise<void>;
}

/**
 * @param shape any draw, for its size
 * @throws {UsageError} rows and a draw do not fit 4 GiB
 */
export async function drawScorer(
  shape: Pick<FmParameters, "w" | "dim">,
  threads: number,
  rows: FeatureRows,
): Promise<DrawScorer> {
  const machine = await FmMachine.start(scoringShape(shape, threads));
  const { arena } = machine;
  try {
    const parameters = machine.allocateParameters();
    const buffer = new RowsBuffer(arena, "the rows to score").load(rows);
    const scores = machine.allocateScores(rows.numRows);
    return {
      async score({ w0, w, vectors }) {
        arena.f32(parameters.vectors).set(vectors);
        arena.f32(parameters.w).set(w);
        machine.bias = w0;
        await machine.import(parameters);
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

/** The mean prediction of draws, added up one at a time. */
export class MeanPrediction {
  numDraws = 0;
  readonly #link: Link;
  /** f64[numRows]: sums of predictions; with a link, of P(1) and of P(0) */
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
      // both sides, so that neither is lost beside 1
      const less = lesserProbability(this.#link, s);
      this.#sums[r]! += s > 0 ? 1 - less : less;
      this.#others[r]! += s > 0 ? less : 1 - less;
    }
  }

  /** f32[numRows]: the mean prediction, probabilities as log-odds. */
  scores(): Float32Array {
    const sums = this.#sums;
    if (this.#link === "identity") return Float32Array.from(sums, (sum) => sum / this.numDraws);
    return Float32Array.from(sums, (sum, r) => log(sum) - log(this.#others[r]!));
  }

  /** What has been added up, for a checkpoint. */
  get arrays(): NamedArrays {
    return { sums: this.#sums, others: this.#others, numAdded: Float64Array.of(this.numDraws) };
  }

  /** @throws {ArtifactError} it is of other rows */
  set arrays(arrays: NamedArrays) {
    this.#sums = arrayOf(arrays, "sums", Float64Array, this.#sums.length);
    this.#others = arrayOf(arrays, "others", Float64Array, this.#others.length);
    this.numDraws = arrayOf(arrays, "numAdded", Float64Array, 1)[0]!;
  }
}

/**
 * What the draws predict together: log-odds, or without a link in the label's unit.
 *
 * The same bytes at any number of threads.
 *
 * @returns f32[numRows]
 * @throws {UsageError} rows and a draw do not fit 4 GiB
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

/** The draws, each rotated onto the last by the rotation that brings their vectors nearest. @param counts [numFeatures], of events */
export function rotatedAlike(draws: readonly FmParameters[], counts: Uint32Array): FmParameters[] {
  const { vectors: last, dim } = draws.at(-1)!;
  return draws.map((each) => ({ ...each, vectors: rotatedOnto(each.vectors, last, counts, dim) }));
}

/** Vectors rotated as brings those of one set nearest to another, by the features' events. @returns f32[numFeatures * dim] */
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

/** The mean of the draws rotated alike. @param counts [numFeatures], of events */
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
