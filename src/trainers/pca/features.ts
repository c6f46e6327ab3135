// Decomposes the matrix of events x features, and computes a vector of each feature. A row is encoded as for a
// factorization machine: a categorical cell is the feature of its key with value 1, a number its standardized value.
//
//   A = U S V'      feature  V S^p      row x  (x - mean) V, divided by the root of the explained variance if whitened

import { transpose } from "../../dataset/sequences/interactions.js";
import { firstPair, type FeatureRows } from "../../dataset/rows.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { decompose } from "./decompose.js";
import { matrixTensor, shared, sharesOf, vectorTensor, type PcaModel } from "./model.js";
import type { PcaOptions } from "./options.js";

/** Decomposes feature rows; a row with weight w is equivalent to w equal rows. */
export async function featuresPca(
  { numFeatures }: FeatureSpace,
  rows: FeatureRows,
  options: PcaOptions,
  signal?: AbortSignal,
): Promise<PcaModel> {
  const indptr = Uint32Array.from({ length: rows.numRows + 1 }, (_, r) => firstPair(rows, r));
  const entries = { indptr, indices: rows.ids, values: rows.values };
  const found = await decompose(
    {
      rows: entries,
      columns: transpose(entries, numFeatures),
      ...(rows.weights && { rowScale: rows.weights.map(Math.sqrt) }),
    },
    options,
    signal,
  );
  const { dim, right, singularValues, columnScale, means } = found;
  const shares = sharesOf(singularValues, options, rows.numRows);
  return {
    ...found,
    size: { rows: rows.numRows, columns: numFeatures, entries: rows.ids.length },
    vectors: shared(right, shares.columns),
    tensors: {
      components: matrixTensor(right, dim),
      ...(columnScale && { columnScale: vectorTensor(columnScale) }),
      ...(means && { mean: vectorTensor(means) }),
    },
  };
}
