// Finds for new items the nearest known items of the same group, such as items of one type.

import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import { keysOfRows, rowsOf, type EmbeddingTable } from "../../embedding/table.js";
import { NearestPoints, type NearPoint } from "../../retrieval/nearest-points.js";
import type { Distance } from "./distance.js";
import type { Places } from "./read-places.js";

/** An item that the run's table contains. */
export interface KnownItem {
  /** index of the item in the input file's list of items */
  item: number;
  /** row number of the item in the run's table */
  row: number;
}

/** A new item, and the known items nearest to it, nearest first. */
export interface NewItemNeighbors {
  /** index of the item in the input file's list of items */
  item: number;
  near: NearPoint[];
}

/** Splits items into known ones, sorted by key bytes to decide ties of distances, and new ones in the given order. */
export function splitItems(
  table: EmbeddingTable,
  field: string,
  keys: readonly string[],
): { known: KnownItem[]; fresh: number[] } {
  const range = rowsOf(table, field);
  const index = new KeyIndex(keysOfRows(table, range));
  const known: KnownItem[] = [];
  const fresh: number[] = [];
  keys.forEach((key, item) => {
    const row = index.findText(key);
    if (row < 0) fresh.push(item);
    else known.push({ item, row: range.first + row });
  });
  const bytesOf = ({ item }: KnownItem) => Buffer.from(keys[item]!, "utf8");
  const bytes = new Map(known.map((one) => [one, bytesOf(one)]));
  return { known: known.sort((a, b) => Buffer.compare(bytes.get(a)!, bytes.get(b)!)), fresh };
}

/** Returns for each new item the `most` nearest known items, as positions in `known`. */
export function nearestItems(
  distance: Distance,
  { numbers, groups }: Places,
  { known, fresh }: { known: readonly KnownItem[]; fresh: readonly number[] },
  most: number,
): NewItemNeighbors[] {
  const { dims } = distance;
  const points = distance.points(numbers);
  const at = (item: number) => points.subarray(item * dims, (item + 1) * dims);
  const members = new Map<number, number[]>();
  known.forEach(({ item }, position) => {
    const group = groups[item]!;
    const own = members.get(group) ?? [];
    own.push(position);
    members.set(group, own);
  });
  const searches = new Map<number, NearestPoints>();
  return fresh.map((item) => {
    const group = groups[item]!;
    const own = members.get(group) ?? [];
    const search =
      searches.get(group) ??
      searchAmong(
        own.map((position) => at(known[position]!.item)),
        dims,
      );
    searches.set(group, search);
    const near = search.nearest(at(item), most);
    return { item, near: near.map(({ point, squared }) => ({ point: own[point]!, squared })) };
  });
}

function searchAmong(points: readonly Float64Array[], dims: number): NearestPoints {
  const all = new Float64Array(points.length * dims);
  points.forEach((point, i) => all.set(point, i * dims));
  return new NearestPoints(all, dims);
}

/**
 * Returns for each new item the mean vector of its nearest known items, and their mean weight if the table has weights.
 *
 * @returns f32[n * dim] and f32[n]; summed in f64, nearest first
 */
export function meansOf(
  { dim, vectors, weights }: EmbeddingTable,
  known: readonly KnownItem[],
  items: readonly NewItemNeighbors[],
): { values: Float32Array; biases?: Float32Array } {
  const values = new Float32Array(items.length * dim);
  const biases = new Float32Array(items.length);
  const sums = new Float64Array(dim);
  items.forEach(({ near }, i) => {
    sums.fill(0);
    let bias = 0;
    for (const { point } of near) {
      const { row } = known[point]!;
      for (let d = 0; d < dim; d++) sums[d]! += vectors[row * dim + d]!;
      bias += weights?.[row] ?? 0;
    }
    for (let d = 0; d < dim; d++) values[i * dim + d] = sums[d]! / near.length;
    biases[i] = bias / near.length;
  });
  return { values, ...(weights && { biases }) };
}
