// The keys of a page on a plane, with their names and labels.

import { keyAt } from "../../log/keys.js";
import { pickRows, type EmbeddingTable } from "../../embedding/table.js";
import { planeOf, rowsWithDirection } from "../../evaluation/plane.js";
import type { ItemMap, MapPoint } from "../../report/content.js";
import { called, type Names } from "./names.js";
import { definedOf } from "../../training/options/log.js";

/**
 * The rows on a plane.
 *
 * @param sample rows of the table
 * @returns undefined where they have none: of one dimension, of fewer than three rows, or all pointing the same way
 */
export function mapOf(
  table: EmbeddingTable,
  sample: Uint32Array,
  names: Names | undefined,
): ItemMap | undefined {
  const rows = rowsWithDirection(table.vectors, table.dim, sample);
  if (table.dim < 2 || rows.length < 3) return undefined;
  const { vectors, keys, counts, dim } = pickRows(table, rows);
  const plane = planeOf(vectors, dim);
  if (!plane) return undefined;
  const points = Array.from(rows, (_, i): MapPoint => {
    const key = keyAt(keys, i);
    const [cell, label] = [names?.cellOf(key), names?.labelOf(key)];
    return {
      ...called(key, names),
      ...definedOf({ cell, label }),
      count: counts[i]!,
      x: plane.points[2 * i]!,
      y: plane.points[2 * i + 1]!,
    };
  });
  const labels = (names?.labels ?? []).map((label, i) => ({
    label,
    points: points.filter((point) => point.label === i).length,
  }));
  const { explained } = plane;
  return { points, explained, labels, ...(names?.column !== undefined && { column: names.column }) };
}
