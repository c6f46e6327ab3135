// Measurements of a run's table for a report: norms of its vectors, a map of its items, and nearest neighbors of some
// keys.

import { keyAt } from "../../log/keys.js";
import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import { loadRows, pickedTable, tableRows, type KeyedRows } from "../../table/rows.js";
import {
  isHole,
  keysOfRows,
  rowOf,
  rowsOf,
  type EmbeddingTable,
  type RowRange,
  pickRows,
} from "../../table/table.js";
import { UsageError } from "../../base/errors.js";
import { normsOfRows } from "../../metrics/table-facts.js";
import { sampleRows } from "../../metrics/shared-rows.js";
import type { FieldNorms, NeighborList, ReportedTable, ItemMap, Layout, MapPoint } from "./page/content.js";
import { neighborsInRows } from "../../table/retrieval/neighbors.js";
import { compositionOf } from "../../use/compose.js";
import type { Composed } from "../../use/composed-items.js";
import type { MapLabels, Called, Names } from "./names-and-labels.js";
import type { ReportOptions } from "./options.js";
import type { OpenKeyed, OpenTable } from "../../use/tables.js";
import type { Watch } from "../../training/session/watch.js";
import { keptNeighbors, planeOf, rowsWithDirection, K, umapOf } from "./plane.js";
import { ascending } from "../../base/numeric/indices.js";
import { nearestRows } from "../../table/retrieval/nearest.js";
import { definedOf } from "../../options/table.js";

const KEYS = 6;
/** Number of keys in the plot of vector norms by count, as a fraction of the number of keys on a map. */
const BY_COUNT = 0.5;
/** Number of nearest neighbors of a key in the measure of how well a map preserves neighborhoods. */
const KEPT = 10;
/** Beginning of a sentence on something that the page lacks, because the comparison had used up its time budget. */
export const SPENT = "the budget was spent";

/** What is read for the first run with a table, and used for all runs of the page. */
export interface SharedByRuns {
  names: Names;
  labels?: MapLabels | undefined;
  /** keys for which the page lists neighbors, in the field that it shows; by default the most frequent keys */
  keys?: readonly string[] | undefined;
}

export async function reportTable(
  opened: OpenKeyed,
  options: ReportOptions,
  { names, labels, keys }: SharedByRuns,
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
  const { composed } = await import("../../use/composed-items.js");
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

/** Returns undefined if there is no map: one dimension, fewer than three rows, or all vectors in one direction. */
async function mapOf(
  table: EmbeddingTable,
  { called, labels }: { called: Called; labels: MapLabels | undefined },
  { map, reading }: ReportOptions,
  { signal, observe, timeLeft = () => Infinity }: Watch,
): Promise<ItemMap | undefined> {
  const rows = rowsWithDirection(table.vectors, table.dim, ascending(table.numRows));
  if (table.dim < 2 || rows.length < 3) return undefined;
  const { vectors, keys, counts, dim } = pickRows(table, rows);
  const plane = planeOf(vectors, dim);
  if (!plane) return undefined;
  const nearest = await nearestRows(vectors, dim, K - 1, { threads: reading.threads, signal });
  if (map !== "pca") observe({ stage: "doing", text: `laying out ${rows.length} keys (UMAP)` });
  const isLate = () => timeLeft() <= 0;
  const umap = map === "pca" ? undefined : await umapOf(vectors, dim, nearest, plane.points, signal, isLate);
  const kept = (places: Float64Array) =>
    rows.length > K ? { kept: { share: keptNeighbors(nearest, places, KEPT), of: KEPT } } : {};
  const layouts: Layout[] = [
    // shows the plane even with --map umap if there are too few keys for a UMAP layout
    ...(map === "umap" && umap
      ? []
      : [{ by: "pca" as const, places: plane.points, explained: plane.explained, ...kept(plane.points) }]),
    ...(umap ? [{ by: "umap" as const, places: umap, ...kept(umap) }] : []),
  ];
  const points = Array.from(rows, (_, i): MapPoint => {
    const key = keyAt(keys, i);
    const label = definedOf({ cell: labels?.cellOf(key), label: labels?.labelOf(key) });
    return { ...called({ key }), ...label, count: counts[i]! };
  });
  const shown = (labels?.shown ?? []).map((label, i) => ({
    label,
    points: points.filter((point) => point.label === i).length,
  }));
  return { points, layouts, labels: shown, ...definedOf({ column: labels?.column }) };
}
