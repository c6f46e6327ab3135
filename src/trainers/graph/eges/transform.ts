// Encodes new items by their side values: the vector is the mean over kinds of the mean vector of a kind's values.
//
// Source: Wang et al. 2018 (arXiv:1803.02349), section 3.4: "we represent it with the average embeddings of its side
// information".

import type { Dataset } from "../../../dataset/dataset.js";
import { bindEncoder, forEachPair, type FeatureRows } from "../../../dataset/rows.js";
import type { FeatureSpace } from "../../../dataset/vocabulary/vocabulary.js";
import { rowsByFeature, tableFeatures } from "../../../training/examples/feature-table.js";
import type { Run } from "../../../table/run-directory.js";
import { DataError } from "../../../base/errors.js";
import { vectorEncoding } from "../../../export/encoded-rows.js";
import { wholeOf } from "../../../training/reading/split-parts.js";
import type { Transformed, TransformOptions } from "../../../training/shared-options/transform-options.js";
import { encodedChunks, featureChunks } from "../../../training/capabilities/encoded-chunks.js";
import { openTableAsTrained } from "../../../training/reading/open-as-trained.js";
import type { Watch } from "../../../training/session/watch.js";
import { readSide } from "./artifact.js";

interface SideVectors {
  space: FeatureSpace;
  dim: number;
  /** vector of each side value, f32[numFeatures * dim] */
  vectors: Float32Array;
  /** u8[numFeatures]: 1 for side values that have a vector */
  isKnown: Uint8Array;
}

/** Skips values, and items without a value, that the run does not know; warnings give both numbers. */
export async function encodeNewItems(
  run: Run,
  options: TransformOptions,
  watch: Watch,
): Promise<Transformed> {
  const side = await readSide(run);
  const { dataset, known } = await openTableAsTrained(side, options, watch);
  const { space, table } = side;
  const isKnown = new Uint8Array(space.numFeatures);
  for (const feature of tableFeatures(space)) isKnown[feature] = 1;
  const { dim } = table;
  const composer = { space, dim, vectors: rowsByFeature(space, table.vectors, dim), isKnown };
  const all = wholeOf(dataset).rows;
  const rows = withVectors(composer, dataset, all);
  if (rows.length === 0)
    throw new DataError(
      `none of the ${all.length} items has a value known to the run in ` +
        `${known.map((name) => `'${name}'`).join(", ")}: compare the columns with the training log`,
      { file: options.on.join(", ") },
    );
  const absent = space.fields.map(({ name }) => name).filter((name) => !known.includes(name));
  const counts = Object.entries(bindEncoder(space, dataset).countUnseen(all));
  const warnings = [
    ...absent.map((name) => `column '${name}' is missing: items are composed without it`),
    ...counts
      .filter(([name, { unseen }]) => known.includes(name) && unseen > 0)
      .map(
        ([name, { cells, unseen }]) =>
          `${unseen} of ${cells} cells of '${name}' hold values that are not in the run's vocabulary: they ` +
          "are skipped",
      ),
    ...(rows.length < all.length
      ? [`skipped ${all.length - rows.length} of ${all.length} items without a value known to the run`]
      : []),
  ];
  for (const text of warnings) watch.observe({ stage: "warning", text });
  watch.observe({
    stage: "note",
    text:
      `an item's vector is the mean over ${known.map((name) => `'${name}'`).join(", ")}, where a ` +
      "multi-valued column contributes the mean of its values",
  });
  return {
    encoding: { ...vectorEncoding(options.key, dim, rows.length), unbiased: true },
    rows: encodedChunks(
      space,
      dataset,
      options.key,
      (chunk) => ({ values: meansOfKinds(composer, chunk) }),
      rows,
    ),
    warnings,
  };
}

function withVectors({ space, isKnown }: SideVectors, dataset: Dataset, all: Uint32Array): Uint32Array {
  const hasVector = new Uint8Array(all.length);
  for (const { first, part, rows } of featureChunks(space, dataset, all))
    for (let r = 0; r < part.length; r++)
      forEachPair(rows, r, (feature, x) => {
        if (isKnown[feature] === 1 && x > 0) hasVector[first + r] = 1;
      });
  return all.filter((_, i) => hasVector[i] === 1);
}

/** Mean over fields of the mean over each field's known values: f32[numRows * dim], 0 for a row without any. */
export function meansOfKinds({ space, dim, vectors, isKnown }: SideVectors, rows: FeatureRows): Float32Array {
  const means = new Float32Array(rows.numRows * dim);
  const fieldOf = new Uint32Array(space.numFeatures);
  for (const f of space.fields.keys()) fieldOf.fill(f, space.offsets[f], space.offsets[f + 1]);
  const sums = space.fields.map(() => new Float64Array(dim));
  const weights = new Float64Array(space.fields.length);
  for (let r = 0; r < rows.numRows; r++) {
    for (const sum of sums) sum.fill(0);
    weights.fill(0);
    forEachPair(rows, r, (feature, x) => {
      if (isKnown[feature] === 0 || !(x > 0)) return;
      const [f, sum] = [fieldOf[feature]!, sums[fieldOf[feature]!]!];
      weights[f]! += x;
      for (let d = 0; d < dim; d++) sum[d]! += x * vectors[feature * dim + d]!;
    });
    const kinds = weights.reduce((n, weight) => n + (weight > 0 ? 1 : 0), 0);
    if (kinds === 0) continue;
    for (let d = 0; d < dim; d++)
      means[r * dim + d] =
        sums.reduce((all, sum, f) => all + (weights[f]! > 0 ? sum[d]! / weights[f]! : 0), 0) / kinds;
  }
  return means;
}
