// Out-of-vocabulary dropout: during training, random cells are replaced by the out-of-vocabulary feature of their
// field, so that the model learns its parameters. The decision is a hash of (seed, epoch, row, field); all values of a
// multi-valued cell are replaced together. Only categorical fields that can contain unknown keys are affected: neither
// numbers, nor bins, nor hashed fields.

import type { FeatureRows, StoredRows, TrainingRows } from "../rows.js";
import type { FeatureSpace } from "../vocabulary/vocabulary.js";
import { UsageError } from "../../base/errors.js";
import { streamOf, uniformAt } from "../../base/numeric/hash.js";

const KEPT = 0xffffffff;

/** Hides random cells, other ones in each epoch. @param share probability, in [0, 1) @throws {UsageError} out of range */
export function withOovDropout(
  train: TrainingRows,
  space: FeatureSpace,
  share: number,
  seed: number,
): TrainingRows {
  if (!(share >= 0 && share < 1))
    throw new UsageError(`--oov-dropout must be at least 0 and below 1, got ${share}`);
  if (share === 0) return train;
  const hide = hiderOf(space, share);
  if (train.kind === "resident") {
    return { ...train, atEpoch: (epoch) => hide(train.rows, 0, streamOf(seed, epoch)) };
  }
  if (train.kind === "stored") {
    const { rows } = train;
    const rowsAt: StoredRows["rowsAt"] = (first, count, epoch) =>
      hide(rows.rowsAt(first, count, epoch), first, streamOf(seed, epoch));
    return { kind: "stored", rows: { ...rows, rowsAt } };
  }
  return {
    ...train,
    *draw(epoch) {
      let firstRow = 0;
      for (const chunk of train.draw(epoch)) {
        yield hide(chunk, firstRow, streamOf(seed, epoch));
        firstRow += chunk.numRows;
      }
    },
  };
}

/** Counts by feature, at least 1 for each out-of-vocabulary feature that dropout trains: it gets an initial vector. */
export function withTrainedOov(counts: Uint32Array, space: FeatureSpace, share: number): Uint32Array {
  if (share === 0) return counts;
  const trained = counts.slice();
  space.fields.forEach((_, f) => {
    if (canHide(space, f)) trained[space.offsets[f]!] = Math.max(1, trained[space.offsets[f]!]!);
  });
  return trained;
}

function canHide({ fields }: FeatureSpace, f: number): boolean {
  const field = fields[f]!;
  return (field.kind === "key" || field.kind === "multi") && !field.hash;
}

type Hide = (rows: FeatureRows, firstRow: number, stream: number) => FeatureRows;

function hiderOf(space: FeatureSpace, share: number): Hide {
  const { fields, offsets, numFeatures } = space;
  // u32[numFeatures]: out-of-vocabulary feature that replaces each feature; it also identifies the field
  const hiddenAs = new Uint32Array(numFeatures).fill(KEPT);
  fields.forEach((_, f) => {
    if (canHide(space, f)) hiddenAs.fill(offsets[f]!, offsets[f], offsets[f + 1]);
  });
  return (rows, firstRow, stream) => {
    const ids = new Uint32Array(rows.ids.length);
    const values = rows.values && new Float32Array(ids.length);
    const indptr = rows.indptr && new Uint32Array(rows.numRows + 1);
    let at = 0;
    for (let r = 0; r < rows.numRows; r++) {
      const rowStream = streamOf(stream, firstRow + r);
      const [from, to] = rows.indptr
        ? [rows.indptr[r]!, rows.indptr[r + 1]!]
        : [r * rows.width, (r + 1) * rows.width];
      let last = KEPT;
      for (let j = from; j < to; j++) {
        const oov = hiddenAs[rows.ids[j]!]!;
        const value = rows.values ? rows.values[j]! : 1;
        // the pairs of a cell are adjacent; those of a hidden cell become one pair with the sum of their values
        const isHidden = oov !== KEPT && (oov === last || uniformAt(rowStream, oov) < share);
        if (isHidden && oov === last) values![at - 1]! += value;
        else {
          ids[at] = isHidden ? oov : rows.ids[j]!;
          if (values) values[at] = value;
          at++;
        }
        last = isHidden ? oov : KEPT;
      }
      if (indptr) indptr[r + 1] = at;
    }
    return {
      ...rows,
      ids: ids.subarray(0, at),
      ...(values && { values: values.subarray(0, at) }),
      ...(indptr && { indptr }),
    };
  };
}
