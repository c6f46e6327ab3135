// Selects the rows of a run's table for an index, and converts their vectors to the form that they have in the index.
//
// The default metric is the one that the run's model ranks by: the dot product plus the item's weight for models that
// rank by this sum, the cosine for item vectors from sessions. For all other tables it is the cosine, as for `embed
// neighbors`.

import type { Keys } from "../../log/keys.js";
import { loadRows, rangeOf, rowsWithin } from "../../table/rows.js";
import { keysOfRows, rowsOf, type EmbeddingTable, type RowRange, vectorsAt } from "../../table/table.js";
import type { Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import { sha256OfAll } from "../../base/io/fingerprint.js";
import { checkIndexFits, fitsIndex } from "../../table/retrieval/hnsw/build.js";
import {
  numNonzero,
  rowsToIndex,
  indexedRows,
  type LeftOutRows,
  type IndexMetric,
  type Space,
} from "../../table/retrieval/hnsw/space.js";
import { modelOf } from "../../trainers/index.js";
import { composeItems, compositionOf, type Compose } from "../compose.js";
import { rankingTable } from "../composed-items.js";
import { withOpenRows, type OpenTable } from "../tables.js";

interface SourceOptions {
  field: string;
  /** metric of the index; by default the one by which the run's model ranks */
  metric?: IndexMetric | undefined;
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
  left: LeftOutRows;
  /** f32[number of the field's rows]: weight of each row; only if the index has a coordinate for weights */
  weights?: Float32Array;
  /** SHA-256 of the keys, vectors and weights of the field */
  fingerprint: string;
  /** a sentence that describes the vectors of items; only if items are composed */
  note?: string;
}

export async function indexSource(opened: OpenTable, options: SourceOptions): Promise<IndexSource> {
  const { run, fieldNamed } = opened;
  const field = fieldNamed(options.field);
  const { metric, ranksBy, isRanked, model } = await metricOf(run, field, options);
  const items = await composeItems(opened, options.compose);
  const isWeighted = metric === "dot" && isRanked && model?.mips !== undefined;
  const table = isWeighted ? await rankingTable(run, items, "--metric dot") : items.table;
  const range = rowsOf(table, field);
  const weights = isWeighted ? table.weights?.slice(range.first, range.last) : undefined;
  const biased = weights?.some((weight) => weight !== 0) ?? false;
  const space: Space = { metric, dim: table.dim, biased };
  const { rows, left } = rowsToIndex(table, range, metric, { run: run.path, field });
  const isComposed = items.item !== undefined && field === items.item;
  const source: Omit<IndexSource, "fingerprint"> = {
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
  return { ...source, fingerprint: await fingerprintOf(source) };
}

async function metricOf(run: Run, field: string, { table, metric }: SourceOptions) {
  const model = await modelOf(run);
  if (model?.scoresBy === "weights")
    throw new UsageError(
      `run '${run.path}' holds ${model.holds} (${model.command}): its rows have weights but no vectors to index`,
    );
  const { item } = run.manifest.roles as { item?: string };
  const isRanked = table === undefined && field === item;
  const ranksBy = isRanked ? (model?.mips ? "dot" : model?.foldedRank) : undefined;
  return { metric: metric ?? ranksBy ?? ("cosine" as IndexMetric), ranksBy, isRanked, model };
}

/**
 * Opens the rows of a field for an index that will be built: only the field's rows are read, unless the vectors of items
 * are composed from other rows. Rejects an index above 4 GiB; of composed vectors, when it is built.
 */
export async function openIndexedField(
  path: string,
  options: SourceOptions & { m: number },
): Promise<OpenTable> {
  return await withOpenRows(path, options.table, async ({ run, rows, fieldNamed }) => {
    const field = fieldNamed(options.field);
    const { metric, model } = await metricOf(run, field, options);
    if (model?.mips === "composed" || (await compositionOf(run, rows.fields, options.compose)) !== undefined)
      return { run, fieldNamed, table: await loadRows(rows) };
    const range = await rangeOf(rows, field);
    const shape = { numRows: range.last - range.first, dim: rows.dim, m: options.m, metric };
    // zero vectors need no room if the metric is the cosine, so rows are counted before an index is refused
    if (!fitsIndex(shape)) checkIndexFits({ ...shape, numRows: await numNonzero(rows, range) });
    return { run, fieldNamed, table: await loadRows(rowsWithin(rows, range)) };
  });
}

async function fingerprintOf({
  space,
  table,
  range,
  keys,
  weights,
}: Omit<IndexSource, "fingerprint">): Promise<string> {
  const { first, last } = range;
  const bytesOf = (array: Float32Array | Uint32Array) =>
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return await sha256OfAll([
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
