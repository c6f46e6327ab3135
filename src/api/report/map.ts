// Maps of a report: keys in the plane of the first two principal components, and in a UMAP layout, with names and
// labels.

import { keyAt } from "../../log/keys.js";
import { pickRows, type EmbeddingTable } from "../../embedding/table.js";
import { keptNeighbors, planeOf, rowsWithDirection, K, umapOf } from "../../evaluation/plane.js";
import type { ItemMap, Layout, MapPoint } from "../../report/content.js";
import { ascending } from "../../numeric/indices.js";
import { nearestRows } from "../../retrieval/nearest.js";
import { definedOf } from "../../training/options/defined.js";
import type { Watch } from "../../training/session/watch.js";
import type { MapLabels } from "./labels.js";
import type { Called } from "./names.js";
import type { ReportOptions } from "./options.js";

/** Beginning of a sentence on something that the page lacks, because the comparison had used up its time budget. */
export const SPENT = "the budget was spent";

/** Number of nearest neighbors of a key in the measure of how well a map preserves neighborhoods. */
const KEPT = 10;

interface Naming {
  called: Called;
  labels: MapLabels | undefined;
}

/**
 * Computes a map of the rows of a small table: their positions in the plane.
 *
 * @returns undefined if there is no map: one dimension, fewer than three rows, or all vectors in one direction
 */
export async function mapOf(
  table: EmbeddingTable,
  { called, labels }: Naming,
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
