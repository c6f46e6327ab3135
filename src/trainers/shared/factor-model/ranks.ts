// Ranks items by a run, of whose table it reads keys and weights, and only the vectors that it ranks by.

import type { FeatureRows } from "../../../dataset/rows.js";
import { vectorsOfRows } from "../../../table/rows.js";
import type { Run } from "../../../table/run-directory.js";
import type { EmbeddingTable } from "../../../table/table.js";
import type { FeatureSpace } from "../../../dataset/vocabulary/vocabulary.js";
import { lowerBound, mapTo } from "../../../base/numeric/indices.js";
import { readPreprocess } from "../../../training/capabilities/run-space.js";
import { spaceOf, tableFeatures } from "../../../training/examples/feature-table.js";
import type { RankingModel } from "../../../training/split-metrics/ranked-items.js";
import { readOov } from "./artifact.js";
import { composeVectors, composeWeights } from "./compose.js";
import type { FmParameters } from "./model.js";

/**
 * Opens a run to rank items, with the results of `readFactors`.
 * @throws {ArtifactError} damaged
 */
export async function openRanks(run: Run): Promise<RankingModel> {
  const preprocess = await readPreprocess(run);
  const table = await run.readKeys();
  const space = spaceOf(preprocess, table);
  const withOwn = await parameterReader(run, space, table);
  // all blocks of users rank the same items
  let last: { rows: FeatureRows; items: Float32Array; weights: Float32Array } | undefined;
  return {
    ...{ space, preprocess },
    async rank(contexts, items) {
      if (last?.rows !== items) {
        const { parameters, rows } = await withOwn(items);
        last = {
          rows: items,
          items: composeVectors(parameters, rows),
          weights: composeWeights(parameters, rows),
        };
      }
      const { parameters, rows } = await withOwn(contexts);
      return { ...last, dim: parameters.dim, queries: composeVectors(parameters, rows) };
    },
  };
}

/**
 * Returns a function that reads the parameters of the features of rows, and numbers the rows' features like them.
 * @param table the run's table, without vectors
 */
async function parameterReader(
  run: Run,
  space: FeatureSpace,
  table: EmbeddingTable,
): Promise<(rows: FeatureRows) => Promise<{ parameters: FmParameters; rows: FeatureRows }>> {
  const oov = await readOov(run, space, table);
  const { dim, w0 } = oov;
  // features without a row get the number after the last row, for which vectorsOfRows returns zeros
  const rowOf = new Uint32Array(space.numFeatures).fill(table.numRows);
  tableFeatures(space).forEach((feature, row) => (rowOf[feature] = row));
  return async (rows) => {
    const features = rows.ids.toSorted().filter((feature, i, all) => i === 0 || feature !== all[i - 1]);
    const picked = features.map((feature) => rowOf[feature]!);
    const vectors =
      dim === 0
        ? new Float32Array()
        : await run.withRows(undefined, async (all) => await vectorsOfRows(all, picked));
    const w = mapTo(Float32Array, picked, (row) => table.weights?.[row] ?? 0);
    space.fields.forEach(({ kind }, f) => {
      const feature = space.offsets[f]!;
      const at = lowerBound(features, feature);
      if (kind === "number" || features[at] !== feature) return;
      w[at] = oov.weights[f]!;
      vectors.set(oov.vectors.subarray(f * dim, (f + 1) * dim), at * dim);
    });
    const ids = rows.ids.map((feature) => lowerBound(features, feature));
    return { parameters: { dim, w0, w, vectors }, rows: { ...rows, ids } };
  };
}
