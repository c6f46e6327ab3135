// Weights of the events of a training: --weight, --event-weight and --half-life.
//
// The weight of a pair of events is the geometric mean of their weights, sqrt(a b). A session whose events all have the
// weight a therefore has a times the influence, and pairs of events of the same age decay with the given half-life, not
// with half of it. Events with weight 0 are in no session.

import { mapTo } from "../numeric/indices.js";
import { eventWeights, rowWeights, type EventWeightOptions } from "../dataset/sequences/event-weights.js";
import type { Sequences } from "../dataset/sequences/sequences.js";
import type { WeightedSequences } from "../sampling/skip-grams.js";
import type { Part } from "../training/examples/examples.js";

/** The events with a positive weight, and their weights. */
export interface Counted {
  /** u32: rows of the training split that have a positive weight */
  rows: Uint32Array;
  /**
   * f32[numRows of the dataset]: weight of each row, with mean 1 over the training split; undefined if all are equal
   */
  of(part: Part): Float32Array | undefined;
}

/**
 * Returns the weights of the training split, and a function that returns those of other splits, on the same scale but
 * independent of age.
 *
 * @throws {UsageError} a half-life without times, or a kind of event without a weight
 * @throws {DataError} all rows have weight 0
 */
export function countedEvents(train: Part, weighting: EventWeightOptions): Counted {
  const { dataset, rows: all } = train;
  const raw = rowWeights(dataset, all, weighting);
  const rows = raw ? rowsAboveZero(all, raw) : all;
  const weights = eventWeights(dataset, rows, weighting, rows === all ? raw : undefined);
  return {
    rows,
    of(part) {
      const [given, own] =
        part === train ? [rows, weights.train] : [part.rows, weights.of(part.dataset, part.rows)];
      if (!own) return undefined;
      const { numRows } = part.dataset;
      if (given.length === numRows && given.every((row, i) => row === i)) return own;
      const byRow = new Float32Array(numRows);
      for (let i = 0; i < given.length; i++) byRow[given[i]!] = own[i]!;
      return byRow;
    },
  };
}

/** Returns the rows with a positive weight; the same array if all have one. */
function rowsAboveZero(rows: Uint32Array, raw: Float64Array): Uint32Array {
  return raw.every((weight) => weight > 0) ? rows : rows.filter((_, i) => raw[i]! > 0);
}

/**
 * Adds the square roots of the events' weights to sequences, unless all weights are 1.
 *
 * @param byRow f32[numRows of the dataset]
 */
export function withWeights(sequences: Sequences, byRow: Float32Array | undefined): WeightedSequences {
  if (!byRow) return sequences;
  const weights = mapTo(Float32Array, sequences.rows, (row) => Math.sqrt(byRow[row]!));
  return weights.every((weight) => weight === 1) ? sequences : { ...sequences, weights };
}
