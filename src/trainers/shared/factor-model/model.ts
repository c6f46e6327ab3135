// A trained factorization machine, and scoring of new rows.
//
//   score(x) = w0 + sum_i w_i x_i + sum_{i<j} <v_i, v_j> x_i x_j          Rendle 2010, eq. 1

import type { FeatureRows } from "../../../dataset/rows.js";
import type { FieldAwareness } from "../../../compute/kernels/ffm/binding.js";
import type { OptimizerState } from "../../../compute/kernels/fm/state.js";
import type { EpochEvent } from "../../../training/epochs/epoch-loop.js";
import type { RunningScorer } from "../../../training/session/feature-training.js";
import { FmMachine, type FmMachineShape } from "./machine.js";
import { RowsBuffer } from "./rows-buffer.js";

export interface FmModel {
  dim: number;
  /** loss of the training; the prediction is the score (squared loss), or its logistic function (logistic loss) */
  loss: "logistic" | "squared";
  w0: number;
  /** f32[numFeatures] */
  w: Float32Array;
  /** f32[numFeatures * dim], row-major */
  vectors: Float32Array;
  /** number of the epoch that produced these parameters, from 1 */
  bestEpoch: number;
  epochs: EpochEvent[];
  /** true if a signal ended the training early */
  interrupted?: boolean;
  /** optimizer state after the epoch `bestEpoch`, if it is stored */
  optimizer?: OptimizerState;
}

/** The parameters that scoring needs, and that a run stores. */
export type FmParameters = Pick<FmModel, "dim" | "w0" | "w" | "vectors">;

/** With `fields`, those of a field-aware machine, whose dim is the sum over all partner fields. */
type FieldAwareParameters = FmParameters & { fields?: FieldAwareness };

/**
 * Returns scores of rows, without a link function: log-odds for the logistic loss, predictions for the squared loss.
 * Scores do not depend on the number of threads.
 *
 * @returns f32[numRows]
 * @throws {UsageError} parameters or rows exceed 4 GiB
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

/**
 * Returns a scorer that can be called repeatedly, with the results of scoreRows.
 *
 * @throws {UsageError} the parameters exceed 4 GiB
 */
export async function startScoring(
  model: FieldAwareParameters,
  { threads }: { threads: number },
): Promise<RunningScorer> {
  const machine = await FmMachine.start(scoringShape(model, threads));
  try {
    await machine.importFrom(model);
    machine.bias = model.w0;
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

/** Returns the shape of a machine that only scores: its method is sgd, which has no optimizer state. */
export function scoringShape(
  { w, dim, fields }: Pick<FieldAwareParameters, "w" | "dim" | "fields">,
  threads: number,
): FmMachineShape {
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
