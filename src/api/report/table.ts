// Measurements of a run's table for a report: norms of its vectors, a map of its items, and nearest neighbors of some
// keys.

import { keyAt } from "../../log/keys.js";
import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import {
  isHole,
  keysOfRows,
  rowOf,
  rowsOf,
  type EmbeddingTable,
  type RowRange,
} from "../../embedding/table.js";
import { UsageError } from "../../errors.js";
import { sampleRows } from "../../evaluation/row-sample.js";
import type { FieldNorms, NeighborList, ReportedTable } from "../../report/content.js";
import { lengthOf } from "../../retrieval/nearest.js";
import { neighbors } from "../../retrieval/neighbors.js";
import { composeItems } from "../compose.js";
import { mapOf } from "./map.js";
import type { MapLabels } from "./labels.js";
import type { Called, Names } from "./names.js";
import type { ReportOptions } from "./options.js";
import type { OpenTable } from "../tables.js";
import type { Watch } from "../../training/session/watch.js";

const KEYS = 6;
/** Number of keys in the plot of vector norms by count, as a fraction of the number of keys on a map. */
const BY_COUNT = 0.5;

/** Names, labels and keys that the page uses for all runs. */
interface Shared {
  names: Names;
  labels?: MapLabels | undefined;
  /** keys for which the page lists neighbors, in the field that it shows; by default the most frequent keys */
  keys: readonly string[] | undefined;
}

/** @throws {UsageError} the table lacks the requested field */
export async function reportTable(
  opened: OpenTable,
  options: ReportOptions,
  { names, labels, keys }: Shared,
  watch: Watch,
): Promise<ReportedTable> {
  const { table } = opened;
  const field = fieldToShow(opened, options.field);
  const range = rowsOf(table, field);
  const called = names.ofField(opened, field);
  const composed = await composeItems(opened, undefined);
  const rows = sampleRows(composed.table, range, options.points);
  const map = await mapOf(composed.table, rows, { called, labels }, options, watch);
  const norms = table.fields.map((name) =>
    fieldNorms(table, name, name === field ? options.points * BY_COUNT : 0, called),
  );
  return {
    ...{ dim: table.dim, numRows: table.numRows, norms, field, rows: range.last - range.first },
    map,
    neighbors: neighborLists(
      composed.table,
      field,
      keys ?? mostFrequentKeys(opened, field),
      options.top,
      called,
    ),
    ...(composed.note !== undefined && composed.item === field && { note: composed.note }),
  };
}

/** Returns the requested field; by default the item field, or else the first of the fields with the most rows. */
export function fieldToShow({ table, fieldNamed }: OpenTable, given: string | undefined): string {
  if (given !== undefined) return fieldNamed(given);
  const item = fieldNamed("item");
  if (table.fields.includes(item)) return item;
  const sizes = table.fields.map((field) => numRowsIn(rowsOf(table, field)));
  return table.fields[sizes.indexOf(Math.max(...sizes))]!;
}

function numRowsIn({ first, last }: RowRange): number {
  return last - first;
}

/** Measures the norms of a field's vectors. @param points maximum number of rows in the plot of norms by count */
function fieldNorms(table: EmbeddingTable, field: string, points: number, called: Called): FieldNorms {
  const { dim, vectors, counts } = table;
  const range = rowsOf(table, field);
  const rows = sampleRows(table, range, Infinity);
  const norms = Float64Array.from(rows, (row) => lengthOf(vectors, row * dim, dim));
  const byCount = Array.from(points > 0 ? sampleRows(table, range, points) : [], (row) =>
    called({
      key: keyAt(table.keys, row),
      count: counts[row]!,
      norm: lengthOf(vectors, row * dim, dim),
    }),
  );
  return { field, norms: norms.sort(), zeros: norms.filter((norm) => norm === 0).length, byCount };
}

/** Returns the keys of `--key FIELD:KEY`. @throws {UsageError} the field is not shown, or the table lacks the key */
export function keysGiven(
  opened: OpenTable,
  { field: shown, key: keys }: ReportOptions,
): string[] | undefined {
  const field = fieldToShow(opened, shown);
  return keys?.map((text) => {
    const colon = text.indexOf(":");
    const key = text.slice(colon + 1);
    if (colon < 1 || opened.fieldNamed(text.slice(0, colon)) !== field)
      throw new UsageError(
        `--key expects ${field}:KEY, a key of the field shown on the page (select another with --field), got ` +
          `'${text}'`,
      );
    rowOf(opened.table, field, key);
    return key;
  });
}

function mostFrequentKeys({ table }: OpenTable, field: string): string[] {
  const { first, last } = rowsOf(table, field);
  return Array.from({ length: last - first }, (_, i) => first + i)
    .filter((row) => !isHole(table, row))
    .sort((a, b) => table.counts[b]! - table.counts[a]! || a - b)
    .slice(0, KEYS)
    .map((row) => keyAt(table.keys, row));
}

/** Returns the neighbors of the given keys, except keys that the table lacks. */
function neighborLists(
  table: EmbeddingTable,
  field: string,
  keys: readonly string[],
  top: number,
  called: Called,
): NeighborList[] {
  const range = rowsOf(table, field);
  if (numRowsIn(range) < 2) return [];
  const own = keysOfRows(table, range);
  const index = new KeyIndex(own);
  return keys.flatMap((key) => {
    const at = index.findText(key);
    if (at < 0) return [];
    const nearest = neighbors(table, field, key, { top, metric: "cosine" });
    return {
      ...called({ key }),
      count: table.counts[range.first + at]!,
      nearest: nearest.map(({ key: near, count, similarity }) => called({ key: near, count, similarity })),
    };
  });
}
