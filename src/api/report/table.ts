// Measurements of a run's table for a report: norms of its vectors, a map of its items, and nearest neighbors of some
// keys.

import { keyAt } from "../../log/keys.js";
import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import { loadRows, pickedTable, tableRows, type KeyedRows } from "../../embedding/rows.js";
import {
  isHole,
  keysOfRows,
  rowOf,
  rowsOf,
  type EmbeddingTable,
  type RowRange,
} from "../../embedding/table.js";
import { UsageError } from "../../errors.js";
import { normsOfRows } from "../../evaluation/table-facts.js";
import { sampleRows } from "../../evaluation/shared-rows.js";
import type { FieldNorms, NeighborList, ReportedTable } from "../../report/content.js";
import { neighborsInRows } from "../../retrieval/neighbors.js";
import { compositionOf } from "../compose.js";
import type { Composed } from "../composed-items.js";
import { mapOf } from "./map.js";
import type { MapLabels } from "./labels.js";
import type { Called, Names } from "./names.js";
import type { ReportOptions } from "./options.js";
import type { OpenKeyed, OpenTable } from "../tables.js";
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
  opened: OpenKeyed,
  options: ReportOptions,
  { names, labels, keys }: Shared,
  watch: Watch,
): Promise<ReportedTable> {
  const { table } = opened;
  const field = fieldToShow(opened, options.field);
  const range = rowsOf(table, field);
  const called = names.ofField(opened, field);
  const composed = await composedItems(opened);
  const shown = composed ? { table: composed.table, rows: tableRows(composed.table) } : opened;
  const sample = await pickedTable(shown, sampleRows(shown.table, range, options.points));
  const map = await mapOf(sample, { called, labels }, options, watch);
  const ofRows = await normsOfRows(opened.rows);
  const norms = table.fields.map((name) =>
    fieldNorms(table, ofRows, name, name === field ? options.points * BY_COUNT : 0, called),
  );
  return {
    ...{ dim: table.dim, numRows: table.numRows, norms, field, rows: range.last - range.first },
    map,
    neighbors: await neighborLists(
      shown,
      field,
      keys ?? mostFrequentKeys(opened, field),
      options.top,
      called,
    ),
    ...(composed?.note !== undefined && composed.item === field && { note: composed.note }),
  };
}

/** Returns the table with composed items, in memory; undefined if the run has none. */
async function composedItems({ run, table, rows }: OpenKeyed): Promise<Composed | undefined> {
  const composition = await compositionOf(run, table.fields, undefined);
  if (!composition) return undefined;
  const { composed } = await import("../composed-items.js");
  return await composed(await loadRows(rows), composition);
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
function fieldNorms(
  table: EmbeddingTable,
  ofRows: Float64Array,
  field: string,
  points: number,
  called: Called,
): FieldNorms {
  const { counts } = table;
  const range = rowsOf(table, field);
  const rows = sampleRows(table, range, Infinity);
  const norms = Float64Array.from(rows, (row) => ofRows[row]!);
  const byCount = Array.from(points > 0 ? sampleRows(table, range, points) : [], (row) =>
    called({
      key: keyAt(table.keys, row),
      count: counts[row]!,
      norm: ofRows[row]!,
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
async function neighborLists(
  { table, rows }: KeyedRows,
  field: string,
  keys: readonly string[],
  top: number,
  called: Called,
): Promise<NeighborList[]> {
  const range = rowsOf(table, field);
  if (numRowsIn(range) < 2) return [];
  const own = keysOfRows(table, range);
  const index = new KeyIndex(own);
  const known = keys.filter((key) => index.findText(key) >= 0);
  const queries = known.map((key) => ({ field, key }));
  const found = await neighborsInRows(rows, table, queries, { top, metric: "cosine" });
  return known.map((key, i) => ({
    ...called({ key }),
    count: table.counts[range.first + index.findText(key)]!,
    nearest: found[i]!.map(({ key: near, count, similarity }) => called({ key: near, count, similarity })),
  }));
}
