// What the events of a training count: --weight, --event-weight and --half-life.
//
// A pair of events counts the geometric mean of the two, sqrt(a b). So a session whose events all count a counts a times, and a pair of
// one age decays with the half-life that was asked for, not with half of it. An event that counts 0 is in no session.

import { mapTo } from "../numeric/indices.js";
import { eventWeights, rowWeights, type EventWeightOptions } from "../dataset/sequences/event-weights.js";
import type { Sequences } from "../dataset/sequences/sequences.js";
import type { WeightedSequences } from "../sampling/skip-grams.js";
import type { Part } from "../training/examples/examples.js";

/** Which events count, and what. */
export interface Counted {
  /** u32: rows of the training part that count more than 0 */
  rows: Uint32Array;
  /** f32[numRows of the dataset]: what each row of a part counts, 1 on average over the training part; undefined where all count alike */
  of(part: Part): Float32Array | undefined;
}

/**
 * The weights of a training part, and those of other parts by the same measure, without their age.
 *
 * @throws {UsageError} a half-life without times, or a kind of event without a weight @throws {DataError} no row counts
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

/** Those of the rows that count more than 0; the same array where all do. */
function rowsAboveZero(rows: Uint32Array, raw: Float64Array): Uint32Array {
  return raw.every((weight) => weight > 0) ? rows : rows.filter((_, i) => raw[i]! > 0);
}

/** Sequences with the square roots of what their events count, unless each counts 1. @param byRow f32[numRows of the dataset] */
export function withWeights(sequences: Sequences, byRow: Float32Array | undefined): WeightedSequences {
  if (!byRow) return sequences;
  const weights = mapTo(Float32Array, sequences.rows, (row) => Math.sqrt(byRow[row]!));
  return weights.every((weight) => weight === 1) ? sequences : { ...sequences, weights };
}
