// Tables whose item vectors are sums over all features of an item, and tables whose dot products rank items like the
// model.

import { KeyIndex } from "../dataset/vocabulary/key-index.js";
import type { ItemCatalogue } from "../dataset/item-fields.js";
import type { Preprocess } from "../dataset/vocabulary/preprocess.js";
import { rowsAt, type FeatureRows } from "../dataset/rows.js";
import type { Run } from "../table/run-directory.js";
import { keysOfRows, rowsOf, type EmbeddingTable } from "../table/table.js";
import { ArtifactError, UsageError } from "../base/errors.js";
import { capable } from "../trainers/index.js";
import { tableFeatures } from "../training/examples/feature-table.js";
import { readItems } from "../training/examples/item-file.js";
import { type Composition, type RowComposer, readPreprocess } from "../training/capabilities/run-space.js";
import type { OpenTable } from "./tables.js";

export interface Composed {
  table: EmbeddingTable;
  /** name of the item column if item vectors are sums over several columns, else undefined */
  item?: string;
  /** a sentence about the columns whose vectors an item's vector sums up */
  note?: string;
}

export interface ItemComposition {
  run: Run;
  sums: Composition;
  preprocess: Preprocess;
  item: string;
  others: readonly string[];
}

const cannotRank = (flag: string): string => `cannot rank by a dot product (${flag})`;

export async function composed(
  table: EmbeddingTable,
  { run, sums, preprocess, item, others }: ItemComposition,
): Promise<Composed> {
  const catalogue = await readItems(run, preprocess);
  if (!catalogue)
    throw new ArtifactError(
      `the items of run '${run.path}' have columns that it should store, and it stores none: restore it or train again`,
    );
  const names = [item, ...others].map((name) => `'${name}'`).join(" + ");
  return {
    table: withItems(laidOut(table, sums), item, catalogue, sums.composer),
    item,
    note:
      "item vectors are sums over " +
      `${names}${catalogue.fromNeighbors ? " and the vectors of neighbors" : ""}, as the model scores them; ` +
      `--compose none uses only '${item}'`,
  };
}

/**
 * Returns the table with row vectors of the dimension that the model's row composer gives: for a field-aware
 * factorization machine, a row concatenates the vectors for each pair of an item field and another field.
 */
function laidOut(table: EmbeddingTable, { space, composer }: Composition): EmbeddingTable {
  if (composer.numBlocks === 1) return table;
  const ids = tableFeatures(space);
  const rows = { numRows: ids.length, width: 1, ids, labels: new Float32Array(ids.length) };
  return { ...table, dim: composer.dim, vectors: composer.vectors(rows) };
}

/** Replaces items' vectors and weights by sums over columns. Items without side columns in the run keep their own. */
function withItems(
  table: EmbeddingTable,
  item: string,
  { items, templates }: ItemCatalogue,
  composer: RowComposer,
): EmbeddingTable {
  const range = rowsOf(table, item);
  const keys = keysOfRows(table, range);
  const index = new KeyIndex(items);
  const places = Array.from({ length: keys.size }, (_, i) => index.find(keys, i));
  const known = [...places.keys()].filter((i) => places[i]! >= 0);
  const rows: FeatureRows = rowsAt(
    templates,
    known.map((i) => places[i]!),
  );
  const { dim } = table;
  const [vectors, weights] = [table.vectors.slice(), table.weights!.slice()];
  const [ownVectors, ownWeights] = [composer.vectors(rows), composer.weights(rows)];
  known.forEach((i, r) => {
    vectors.set(ownVectors.subarray(r * dim, (r + 1) * dim), (range.first + i) * dim);
    weights[range.first + i] = ownWeights[r]!;
  });
  return { ...table, vectors, weights };
}

async function laidOutOf(run: Run, table: EmbeddingTable, flag: string): Promise<EmbeddingTable> {
  const sums = await (await capable(run, "composition", cannotRank(flag)))(run);
  if ("whyNot" in sums) throw new UsageError(`run '${run.path}' ${sums.whyNot}`);
  return laidOut(table, sums);
}

/** Returns a table that ranks items like the model: by the dot product of their rows, plus the item's weight. */
export async function rankingTable(
  run: Run,
  { table, item }: Composed,
  flag: string,
): Promise<EmbeddingTable> {
  const ranking = await capable(run, "mips", cannotRank(flag));
  const { itemFields } = await readPreprocess(run);
  if (itemFields && itemFields.length > 1 && item === undefined)
    throw new UsageError(`${flag} needs composed item vectors: omit --compose none`);
  return item === undefined && ranking === "composed" ? await laidOutOf(run, table, flag) : table;
}

/**
 * Adds a dimension, so that the dot product of user row and item row alone ranks items like the model. The new
 * coordinate is the bias for items, 1 for users, and 0 for other rows, whose vectors may be added to a user's vector.
 */
export async function withMips({ run, fieldNamed }: OpenTable, items: Composed): Promise<EmbeddingTable> {
  const table = await rankingTable(run, items, "--mips");
  const fields = { user: rowsOf(table, fieldNamed("user")), item: rowsOf(table, fieldNamed("item")) };
  const { dim, numRows } = table;
  const vectors = new Float32Array(numRows * (dim + 1));
  const isIn = (row: number, { first, last }: { first: number; last: number }) => row >= first && row < last;
  for (let row = 0; row < numRows; row++) {
    vectors.set(table.vectors.subarray(row * dim, (row + 1) * dim), row * (dim + 1));
    vectors[row * (dim + 1) + dim] = isIn(row, fields.user)
      ? 1
      : isIn(row, fields.item)
        ? table.weights![row]!
        : 0;
  }
  return { ...table, dim: dim + 1, vectors };
}
