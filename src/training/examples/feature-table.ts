// Converts between features and rows of an embedding table, for all models.
//
//   space   features of each field: the out-of-vocabulary feature, then one per key; one feature for a numeric field
//   table   a row per feature except the out-of-vocabulary ones, by field and id

import type { Keys } from "../../log/keys.js";
import type { Preprocess } from "../../dataset/vocabulary/preprocess.js";
import {
  featureCounts,
  featureSpace,
  type FeatureSpace,
  type Field,
} from "../../dataset/vocabulary/vocabulary.js";
import { ArtifactError } from "../../base/errors.js";
import { laterRows, type TableRows } from "../../table/rows.js";
import { keysOfRows, rowsOf, type EmbeddingTable, type RowRange } from "../../table/table.js";
import { withoutUntrained, type OutOfVocabulary } from "../../export/reserve.js";

/** Returns for each field the range of its features that are table rows, without the out-of-vocabulary feature. */
function tableRanges({ fields, offsets }: FeatureSpace): { feature: number; row: number; size: number }[] {
  let row = 0;
  return fields.map((field, f) => {
    const [skipped, size] = field.kind === "number" ? [0, 1] : [1, field.keys.size];
    row += size;
    return { feature: offsets[f]! + skipped, row: row - size, size };
  });
}

/** Returns the feature of each table row. @returns u32[numRows] */
export function tableFeatures(space: FeatureSpace): Uint32Array {
  const ranges = tableRanges(space);
  const features = new Uint32Array(ranges.reduce((sum, { size }) => sum + size, 0));
  for (const { feature, row, size } of ranges) for (let i = 0; i < size; i++) features[row + i] = feature + i;
  return features;
}

/** Copies table rows to their features. @returns f32[numFeatures * width], zeros for features without a row */
export function rowsByFeature(space: FeatureSpace, rows: Float32Array, width: number): Float32Array {
  const all = new Float32Array(space.numFeatures * width);
  for (const { feature, row, size } of tableRanges(space))
    all.set(rows.subarray(row * width, (row + size) * width), feature * width);
  return all;
}

/**
 * Builds a model's embedding table.
 *
 * @param w f32[numFeatures]; absent if features have no weights
 * @param vectors f32[numFeatures * dim], row-major
 */
export function featureTable(
  space: FeatureSpace,
  { dim, w, vectors }: { dim: number; w?: Float32Array; vectors: Float32Array },
): EmbeddingTable {
  const ranges = tableRanges(space);
  const counts = featureCounts(space);
  const numRows = ranges.reduce((sum, { size }) => sum + size, 0);
  const table = {
    dim,
    numRows,
    fields: space.fields.map(({ name }) => name),
    fieldOf: new Uint32Array(numRows),
    keys: joinKeys(space.fields),
    counts: new Uint32Array(numRows),
    ...(w && { weights: new Float32Array(numRows) }),
    vectors: new Float32Array(numRows * dim),
  };
  ranges.forEach(({ feature, row, size }, f) => {
    const end = feature + size;
    table.fieldOf.fill(f, row, row + size);
    table.counts.set(counts.subarray(feature, end), row);
    if (w) table.weights?.set(w.subarray(feature, end), row);
    table.vectors.set(vectors.subarray(feature * dim, end * dim), row * dim);
  });
  return table;
}

/**
 * Builds a model's embedding table, whose vectors are read while the table is written.
 *
 * @param vectorsOf returns f32[last - first][dim]: the vectors of consecutive features of one field
 */
export function lateTable(
  space: FeatureSpace,
  { dim, w }: { dim: number; w?: Float32Array | undefined },
  vectorsOf: (features: RowRange) => Float32Array,
): TableRows {
  const whole = featureTable(space, { dim: 0, w, vectors: new Float32Array() });
  return laterRows({ ...whole, dim }, ({ first, last }) => {
    const vectors = new Float32Array((last - first) * dim);
    for (const { feature, row, size } of tableRanges(space)) {
      const [from, to] = [Math.max(first, row), Math.min(last, row + size)];
      if (from < to)
        vectors.set(
          vectorsOf({ first: feature + from - row, last: feature + to - row }),
          (from - first) * dim,
        );
    }
    return vectors;
  });
}

function joinKeys(fields: Field[]): Keys {
  const parts = fields.map((field) =>
    field.kind === "number" ? { size: 1, bytes: new Uint8Array(), offsets: new Uint32Array(2) } : field.keys,
  );
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  const bytes = Buffer.concat(parts.map((part) => part.bytes));
  const offsets = new Uint32Array(size + 1);
  let [row, start] = [0, 0];
  for (const part of parts) {
    for (let i = 1; i <= part.size; i++) offsets[++row] = start + part.offsets[i]!;
    start += part.bytes.length;
  }
  return { size, bytes, offsets };
}

/** Rebuilds the feature space from a table and the preprocessing. @throws {ArtifactError} they do not match */
export function spaceOf(preprocess: Preprocess, table: EmbeddingTable): FeatureSpace {
  checkRows(preprocess, table);
  return featureSpace(preprocess.fields.map((recipe) => fieldOf(recipe, table)));
}

function checkRows({ fields }: Preprocess, table: EmbeddingTable): void {
  const fail = (why: string): never => {
    throw new ArtifactError(
      `preprocess.json does not match the run's table (${why}): restore both or train again`,
    );
  };
  if (fields.length !== table.fields.length)
    fail(`${fields.length} fields, the table has ${table.fields.length}`);
  for (const [f, recipe] of fields.entries()) {
    if (recipe.name !== table.fields[f]) fail(`field '${recipe.name}' is '${table.fields[f]}' there`);
    const { first, last } = rowsOf(table, recipe.name);
    if (recipe.firstRow !== first || recipe.numRows !== last - first)
      fail(
        `field '${recipe.name}' has ${recipe.numRows} rows from ${recipe.firstRow} on, the table ${last - first} from ${first} on`,
      );
    const numRows =
      recipe.kind === "number"
        ? 1
        : recipe.kind === "bins"
          ? recipe.edges.length + 1
          : recipe.kind === "key" && recipe.hash
            ? 2 ** recipe.hash.bits
            : undefined;
    if (numRows !== undefined && numRows !== recipe.numRows)
      fail(`field '${recipe.name}' has ${recipe.numRows} rows and not ${numRows}`);
  }
}

function fieldOf(recipe: Preprocess["fields"][number], table: EmbeddingTable): Field {
  if (recipe.kind === "number") return recipe;
  const { first, last } = rowsOf(table, recipe.name);
  const counts = new Uint32Array(last - first + 1);
  counts.set(table.counts.subarray(first, last), 1);
  const keys = keysOfRows(table, { first, last });
  if (recipe.kind === "bins") return { kind: "bins", name: recipe.name, edges: recipe.edges, keys, counts };
  const hash = recipe.kind === "key" && recipe.hash;
  return { kind: recipe.kind, name: recipe.name, keys, counts, ...(hash && { hash }) };
}

/**
 * Returns the weights and vectors of the out-of-vocabulary features.
 *
 * @param parameters parameters of all features: w f32[numFeatures], vectors f32[numFeatures * dim]
 */
export function unknownKeysOf(
  { fields, offsets }: FeatureSpace,
  { dim, w, vectors: all }: { dim: number; w: Float32Array; vectors: Float32Array },
): OutOfVocabulary {
  const weights = new Float32Array(fields.length);
  const vectors = new Float32Array(fields.length * dim);
  fields.forEach(({ kind }, f) => {
    if (kind === "number") return;
    const feature = offsets[f]!;
    weights[f] = w[feature]!;
    vectors.set(all.subarray(feature * dim, (feature + 1) * dim), f * dim);
  });
  // the vectors in the table of a linear model are its weights
  return withoutUntrained({
    weights,
    vectors: dim === 0 ? weights : vectors,
    is: fields.map(({ kind }) => (kind === "number" ? undefined : "trained")),
  });
}
