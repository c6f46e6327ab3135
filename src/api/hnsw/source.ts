// Selects the rows of a run's table for an index, and converts their vectors to the form that they have in the index.
//
// The default metric is the one that the run's model ranks by: the dot product plus the item's weight for models that
// rank by this sum, the cosine for item vectors from sessions. For all other tables it is the cosine, as for `embed
// neighbors`.

import { keyAt, type Keys } from "../../log/keys.js";
import {
  isHole,
  keysOfRows,
  rowsOf,
  type EmbeddingTable,
  type RowRange,
  vectorsAt,
} from "../../embedding/table.js";
import type { Run } from "../../embedding/run-directory.js";
import { ArtifactError, excerpt, UsageError } from "../../errors.js";
import { sha256OfAll } from "../../io/fingerprint.js";
import { lengthOf } from "../../retrieval/nearest.js";
import { indexedRows, type IndexMetric, type Space } from "../../retrieval/hnsw/space.js";
import { modelOf } from "../../trainers/index.js";
import { composeItems, type Compose } from "../compose.js";
import { rankingTable } from "../composed-items.js";
import type { OpenTable } from "../tables.js";

/** Options that select the rows of an index and its metric. */
export interface SourceOptions {
  field: string;
  /** metric of the index; by default the one by which the run's model ranks */
  metric?: IndexMetric | undefined;
  /** name of the table, for a run with several tables; the default table when absent */
  table?: string | undefined;
  compose?: Compose | undefined;
}

/** Rows of a table, prepared for an index. */
export interface IndexSource {
  space: Space;
  /** reason for the choice of the metric, as a clause */
  because: string;
  field: string;
  /** whether the vectors of items are sums over all item columns */
  compose: Compose;
  table: EmbeddingTable;
  /** rows of the field in the table: from `first` to before `last` */
  range: RowRange;
  keys: Keys;
  /** u32[n], ascending: numbers of the indexed rows within the field */
  rows: Uint32Array;
  /** number of rows left out of the index: rows without a key and, for the cosine, zero vectors */
  left: { holes: number; zeros: number };
  /** f32[number of the field's rows]: weight of each row; only if the index has a coordinate for weights */
  weights?: Float32Array;
  /** SHA-256 of the keys, vectors and weights of the field */
  fingerprint: string;
  /** a sentence that describes the vectors of items; only if items are composed */
  note?: string;
}

/**
 * Selects the rows of a run's field for an index.
 *
 * @throws {UsageError} the field does not exist, has no vectors, or the model does not rank by the metric
 * @throws {ArtifactError} a vector is not finite
 */
export async function indexSource(opened: OpenTable, options: SourceOptions): Promise<IndexSource> {
  const { run, fieldNamed } = opened;
  const field = fieldNamed(options.field);
  const model = await modelOf(run);
  if (model?.scoresBy === "weights")
    throw new UsageError(
      `run '${run.path}' holds ${model.holds} (${model.command}): its rows have weights but no vectors to index`,
    );
  const isRanked = options.table === undefined && field === itemOf(run);
  const ranksBy = isRanked ? (model?.mips ? "dot" : model?.foldedRank) : undefined;
  const metric = options.metric ?? ranksBy ?? "cosine";
  const items = await composeItems(opened, options.compose);
  const isWeighted = metric === "dot" && isRanked && model?.mips !== undefined;
  const table = isWeighted ? await rankingTable(run, items, "--metric dot") : items.table;
  const range = rowsOf(table, field);
  const weights = isWeighted ? table.weights?.slice(range.first, range.last) : undefined;
  const biased = weights?.some((weight) => weight !== 0) ?? false;
  const space: Space = { metric, dim: table.dim, biased };
  const { rows, left } = indexedOf(run, table, field, range, metric);
  const isComposed = items.item !== undefined && field === items.item;
  const source = {
    space,
    because:
      options.metric !== undefined
        ? "as asked"
        : ranksBy === undefined
          ? "default of neighbors"
          : "as the model ranks",
    field,
    compose: isComposed ? ("item" as const) : ("none" as const),
    ...{ table, range, keys: keysOfRows(table, range), rows, left },
    ...(biased && { weights: weights! }),
    ...(isComposed && items.note !== undefined && { note: items.note }),
  };
  return { ...source, fingerprint: fingerprintOf(source) };
}

function itemOf(run: Run): string | undefined {
  return (run.manifest.roles as { item?: string }).item;
}

function indexedOf(
  run: Run,
  table: EmbeddingTable,
  field: string,
  { first, last }: RowRange,
  metric: IndexMetric,
): Pick<IndexSource, "rows" | "left"> {
  const { dim, vectors } = table;
  const rows: number[] = [];
  const left = { holes: 0, zeros: 0 };
  for (let row = first; row < last; row++) {
    const length = lengthOf(vectors, row * dim, dim);
    if (!Number.isFinite(length))
      throw new ArtifactError(
        `run '${run.path}': the vector of ${excerpt(`${field}:${keyAt(table.keys, row)}`)} is not finite; train again`,
      );
    if (isHole(table, row)) left.holes++;
    else if (metric === "cosine" && length === 0) left.zeros++;
    else rows.push(row - first);
  }
  if (rows.length === 0)
    throw new UsageError(`field ${excerpt(field)} of run '${run.path}' has no vectors to index`);
  return { rows: Uint32Array.from(rows), left };
}

function fingerprintOf({ space, table, range, keys, weights }: Omit<IndexSource, "fingerprint">): string {
  const { first, last } = range;
  const bytesOf = (array: Float32Array | Uint32Array) =>
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return sha256OfAll([
    Buffer.from(JSON.stringify(space)),
    bytesOf(keys.offsets),
    keys.bytes,
    bytesOf(table.vectors.subarray(first * table.dim, last * table.dim)),
    ...(weights ? [bytesOf(weights)] : []),
  ]);
}

/** Returns f32[n * width]: the vectors of the indexed rows in the form that they have in the index. */
export function rowsInIndex({ space, table, range, rows, weights }: IndexSource): Float32Array {
  const vectors = vectorsAt(
    table,
    rows.map((row) => range.first + row),
  );
  const ofRows = weights && Float32Array.from(rows, (row) => weights[row]!);
  return indexedRows(space, vectors, ofRows);
}
