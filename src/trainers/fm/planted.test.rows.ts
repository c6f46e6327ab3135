// Generates rows whose labels come from a planted factorization machine, for the tests of this folder.

import type { FeatureRows } from "../../dataset/rows.js";
import { draw } from "../../base/numeric/random.js";
import type { FmInput } from "./train.js";

export const numFeatures = 120;
const numFields = 6;
const rank = 2;
const unit = (key: number, i: number) => draw(key, i) / 2 ** 32;
const planted = Float64Array.from({ length: 2000 }, (_, i) => (unit(1, i) - 0.5) * 2);

/**
 * Generates rows with one feature from each of six fields with twenty keys; labels come from the planted score.
 *
 * @param general whether the last field is missing in every third row, and has a value of 0.5 elsewhere
 */
export function plantedRows(
  numRows: number,
  loss: "logistic" | "squared",
  seed: number,
  general = false,
): FeatureRows {
  const ids: number[] = [];
  const values: number[] = [];
  const indptr = [0];
  const labels = Float32Array.from({ length: numRows }, (_, r) => {
    const first = ids.length;
    for (let f = 0; f < numFields; f++) {
      if (general && f === numFields - 1 && r % 3 === 0) continue;
      ids.push(f * 20 + (draw(seed, r * numFields + f) % 20));
      values.push(general && f === numFields - 1 ? 0.5 : 1);
    }
    indptr.push(ids.length);
    let score = 0;
    for (let i = first; i < ids.length; i++) {
      score += 0.5 * planted[ids[i]!]! * values[i]!;
      for (let j = first; j < i; j++) {
        for (let d = 0; d < rank; d++) {
          score +=
            planted[1000 + ids[i]! * rank + d]! *
            planted[1000 + ids[j]! * rank + d]! *
            values[i]! *
            values[j]!;
        }
      }
    }
    if (loss === "squared") return 5 + score;
    return unit(seed + 1000, r) < 1 / (1 + Math.exp(-2 * score)) ? 1 : 0;
  });
  return {
    numRows,
    width: numFields,
    ids: Uint32Array.from(ids),
    labels,
    ...(general && { indptr: Uint32Array.from(indptr), values: Float32Array.from(values) }),
  };
}

/**
 * Generates rows with one feature from each of twelve fields with 2 to 7 keys; labels are scores of a planted machine.
 */
export function fewKeysRows(numRows: number, seed: number): FeatureRows {
  const width = 12;
  const ids = Uint32Array.from({ length: numRows * width }, (_, i) => {
    const f = i % width;
    return f * 8 + (draw(seed, i) % (2 + (f % 6)));
  });
  const labels = Float32Array.from({ length: numRows }, (_, r) => {
    let score = 0;
    const row = ids.subarray(r * width, (r + 1) * width);
    row.forEach((i, a) => {
      score += planted[i]!;
      for (const j of row.subarray(0, a)) {
        for (let d = 0; d < rank; d++) score += planted[1000 + i * rank + d]! * planted[1000 + j * rank + d]!;
      }
    });
    return score;
  });
  return { numRows, width, ids, labels };
}

/** Returns the input of a training on the rows, with the hashes and counts that a dataset would have. */
export function inputOf(train: FeatureRows, valid?: FeatureRows): FmInput {
  const counts = new Uint32Array(numFeatures);
  for (const id of train.ids) counts[id]!++;
  return {
    numFeatures,
    featureHashes: Uint32Array.from({ length: 2 * numFeatures }, (_, i) => draw(9, i)),
    counts,
    train: { kind: "resident", rows: train },
    valid,
  };
}
