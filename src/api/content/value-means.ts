// The mean vector of an item's values: what a map from content should beat.
//
//   value   the mean of the vectors, and of the weights, of the known items that have it
//   item    the mean over its values, of columns of categories and of several values a cell; without one the mean of all known items

import type { EmbeddingTable } from "../../embedding/table.js";
import type { ItemVector } from "./fold-in-items.js";
import type { ContentMap } from "./map.js";

/** The vector of each item of the catalogue; undefined where no column has values. */
export function valueMeans(
  { dim, vectors, weights }: EmbeddingTable,
  { rows, known }: Pick<ContentMap, "rows" | "known">,
): ((item: number) => ItemVector) | undefined {
  const { blocks, fields, indptr, columns } = rows;
  const isValue = new Uint8Array(blocks.at(-1)!);
  fields.forEach((field, f) => field.kind !== "number" && isValue.fill(1, blocks[f], blocks[f + 1]));
  if (!isValue.includes(1)) return undefined;
  const width = dim + 1;
  const sums = new Float64Array(isValue.length * width);
  const counts = new Float64Array(isValue.length);
  const mean = new Float64Array(width);
  const lineOf = (row: number) =>
    Float64Array.of(...vectors.subarray(row * dim, (row + 1) * dim), weights?.[row] ?? 0);
  for (const { item, row } of known) {
    const line = lineOf(row);
    for (let t = 0; t < width; t++) mean[t]! += line[t]! / known.length;
    for (let pair = indptr[item]!; pair < indptr[item + 1]!; pair++) {
      const value = columns[pair]!;
      if (isValue[value] === 0) continue;
      counts[value]!++;
      for (let t = 0; t < width; t++) sums[value * width + t]! += line[t]!;
    }
  }
  return (item) => {
    const own = Array.from(columns.subarray(indptr[item], indptr[item + 1])).filter(
      (value) => isValue[value] === 1 && counts[value]! > 0,
    );
    const line = new Float64Array(width);
    for (const value of own)
      for (let t = 0; t < width; t++) line[t]! += sums[value * width + t]! / counts[value]! / own.length;
    const found = own.length > 0 ? line : mean;
    return { vector: found.slice(0, dim), weight: found[dim]! };
  };
}
