// A trained factorization machine and how it scores rows that it has not seen.
//
//   score(x) = w0 + sum_i w_i x_i + sum_{i<j} <v_i, v_j> x_i x_j          Rendle 2010, eq. 1

import type { FeatureRows } from "../dataset/rows.js";
import type { FieldAwareness } from "../kernels/ffm/binding.js";
import type { OptimizerState } from "../kernels/fm/state.js";
import { exp } from "../numeric/exp.js";
import type { EpochEvent } from "../training/epochs/epoch-loop.js";
import type { RunningScorer } from "../training/session/feature-training.js";
import { FmMachine, type MachineShape } from "./machine.js";
import { RowsBuffer } from "./rows-buffer.js";

export interface FmModel {
  dim: number;
  /** what the squared loss predicts is the score itself, the logistic loss its logistic function */
  loss: "logistic" | "squared";
  w0: number;
  /** f32[numFeatures] */
  w: Float32Array;
  /** f32[numFeatures * dim], row-major */
  vectors: Float32Array;
  /** the epoch whose parameters these are, from 1 */
  bestEpoch: number;
  epochs: EpochEvent[];
  /** a signal ended the training before its time */
  interrupted?: boolean;
  /** of the same epoch, where it is to be kept */
  optimizer?: OptimizerState;
}

/** The parameters alone: what scoring needs, and what a run keeps. */
export type FmParameters = Pick<FmModel, "dim" | "w0" | "w" | "vectors">;

/** Parameters of a field-aware machine: dim is that of all partner fields together. */
export type FieldAwareParameters = FmParameters & { fields?: FieldAwareness };

/**
 * Scores of rows, before any link: log-odds for the logistic loss, the prediction for the squared loss.
 *
 * The same bytes at any number of threads.
 *
 * @returns f32[numRows]
 * @throws {UsageError} parameters or rows do not fit 4 GiB
 */
export async function scoreRows(
  model: FieldAwareParameters,
  rows: FeatureRows,
  options: { threads: number },
): Promise<Float32Array> {
  const scorer = await startScoring(model, options);
  try {
    return await scorer.score(rows);
  } finally {
    await scorer.end();
  }
}

/** What scores rows again and again, as scoreRows. @throws {UsageError} the parameters do not fit 4 GiB */
export async function startScoring(
  model: FieldAwareParameters,
  { threads }: { threads: number },
): Promise<RunningScorer> {
  const machine = await FmMachine.start(scoringShape(model, threads));
  try {
    const regions = machine.allocateParameters();
    machine.arena.f32(regions.vectors).set(model.vectors);
    machine.arena.f32(regions.w).set(model.w);
    machine.bias = model.w0;
    await machine.import(regions);
  } catch (error) {
    await machine.terminate();
    throw error;
  }
  const buffer = new RowsBuffer(machine.arena, "the rows to score");
  let [scores, room] = [machine.allocateScores(0), 0];
  return {
    async score(rows) {
      buffer.load(rows);
      if (rows.numRows > room) [scores, room] = [machine.allocateScores(rows.numRows), rows.numRows];
      await machine.score(buffer, scores);
      return Float32Array.from(machine.arena.f32(scores).subarray(0, rows.numRows));
    },
    end: () => machine.terminate(),
  };
}

/** A machine that scores with parameters like these and trains nothing; sgd keeps nothing beside the parameters. */
export function scoringShape(
  { w, dim, fields }: Pick<FieldAwareParameters, "w" | "dim" | "fields">,
  threads: number,
): MachineShape {
  return {
    fields,
    numFeatures: w.length,
    dim: fields ? dim / fields.numFields : dim,
    threads,
    loss: "squared",
    method: "sgd",
    learningRate: 0,
    l1Weight: 0,
    l2Weight: 0,
    l2Vector: 0,
    hasRates: false,
  };
}

/**
 * What the scores predict: probabilities for the logistic loss, the scores themselves for the squared loss.
 *
 * @param scores f32[numRows]
 * @returns f64[numRows]
 */
export function predict(loss: FmModel["loss"], scores: Float32Array): Float64Array {
  return Float64Array.from(scores, (s) => {
    if (loss === "squared") return s;
    const e = exp(-Math.abs(s));
    return s >= 0 ? 1 / (1 + e) : e / (1 + e);
  });
}
