// Features as rows of an embedding table and back: what the artifacts of all models share.
//
//   space   a field's features: out-of-vocabulary one first, then its keys; a number's one feature
//   table   a row for each feature but the out-of-vocabulary ones, by field and id

import type { Keys } from "../log/keys.js";
import type { Preprocess } from "../dataset/preprocess.js";
import { featureCounts, featureSpace, type FeatureSpace, type Field } from "../dataset/vocabulary.js";
import { ArtifactError } from "../errors.js";
import { keysOfRows, rowsOf, type EmbeddingTable } from "../embedding/table.js";

/** u32: the features that are rows of the table. */
export function tableFeatures({ fields, offsets }: FeatureSpace): Uint32Array {
  const sizes = fields.map((field) => (field.kind === "number" ? 1 : field.keys.size));
  const features = new Uint32Array(sizes.reduce((sum, size) => sum + size, 0));
  let row = 0;
  for (const [f, field] of fields.entries()) {
    // out-of-vocabulary features are no rows
    const first = offsets[f]! + (field.kind === "number" ? 0 : 1);
    for (let i = 0; i < sizes[f]!; i++) features[row++] = first + i;
  }
  return features;
}

/** Rows of the table by feature: f32[numFeatures * width], zeros for features that are no rows. */
export function rowsByFeature(space: FeatureSpace, rows: Float32Array, width: number): Float32Array {
  const all = new Float32Array(space.numFeatures * width);
  tableFeatures(space).forEach((feature, row) => {
    all.set(rows.subarray(row * width, (row + 1) * width), feature * width);
  });
  return all;
}

/**
 * The table of a model.
 *
 * @param w       f32[numFeatures]; absent where features have no weights
 * @param vectors f32[numFeatures * dim], row-major
 */
export function featureTable(
  space: FeatureSpace,
  { dim, w, vectors }: { dim: number; w?: Float32Array; vectors: Float32Array },
): EmbeddingTable {
  const features = tableFeatures(space);
  const counts = featureCounts(space);
  const table: EmbeddingTable = {
    dim,
    numRows: features.length,
    fields: space.fields.map(({ name }) => name),
    fieldOf: new Uint32Array(features.length),
    keys: joinKeys(space.fields),
    counts: features.map((feature) => counts[feature]!),
    ...(w && { weights: Float32Array.from(features, (feature) => w[feature]!) }),
    vectors: new Float32Array(features.length * dim),
  };
  let f = 0;
  features.forEach((feature, row) => {
    while (feature >= space.offsets[f + 1]!) f++;
    table.fieldOf[row] = f;
    table.vectors.set(vectors.subarray(feature * dim, (feature + 1) * dim), row * dim);
  });
  return table;
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

/** The space that a table and its recipes describe. @throws {ArtifactError} they are of other rows than the table has */
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
