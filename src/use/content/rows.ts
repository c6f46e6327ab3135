// Encodes a catalogue as sparse rows for a regression; each content column becomes a block of columns:
//
//   category              the column of its value: 1
//   multi-valued cell,
//   words of a text       1/sqrt(n) for each of the n values that known items have, so that the block has unit length
//   vector                its numbers, divided by one factor, so that the variances of the known items add up to 1
//   number                standardized by mean and deviation of the known items

import { ascending } from "../../base/numeric/indices.js";
import { columnNamed, type Dataset, type MultiColumn } from "../../dataset/dataset.js";
import { isVectors } from "../../dataset/multi.js";
import type { NumericForm } from "../../dataset/numeric.js";
import { bindEncoder, firstPair, forEachPair, type FeatureRows } from "../../dataset/rows.js";
import { fitFeatures, type FeatureSpace, type Field } from "../../dataset/vocabulary/vocabulary.js";
import type { BlockRows } from "../../compute/kernels/ridge/binding.js";

/** Sparse rows of content, one per item; the columns of a content field are adjacent, in the order of `fields`. */
export interface ContentRows extends BlockRows {
  fields: readonly Field[];
}

/** A value that no known item has gets no column. @param known u32: row numbers of the known items */
export function contentRows(
  { dataset, forms }: { dataset: Dataset; forms: ReadonlyMap<string, NumericForm> },
  known: Uint32Array,
): ContentRows {
  const space = fitFeatures(dataset, known, 1, { forms });
  const numRows = dataset.numRows;
  const all = ascending(numRows);
  const encoded = bindEncoder(space, dataset).encode(all, new Float32Array(numRows));
  const { fields, offsets } = space;
  const isUnknown = new Uint8Array(space.numFeatures);
  const isList = new Uint8Array(space.numFeatures);
  const fieldOf = new Uint32Array(space.numFeatures);
  fields.forEach((field, f) => {
    if (field.kind !== "number") isUnknown[offsets[f]!] = 1;
    if (field.kind === "multi") isList.fill(1, offsets[f], offsets[f + 1]);
    fieldOf.fill(f, offsets[f], offsets[f + 1]);
  });
  const scale = vectorScale(space, dataset, encoded, known);
  const indptr = new Uint32Array(numRows + 1);
  const columns = new Uint32Array(encoded.ids.length);
  const values = new Float64Array(encoded.ids.length);
  let end = 0;
  for (let row = 0; row < numRows; row++) {
    const pairs: { column: number; value: number }[] = [];
    for (let pair = firstPair(encoded, row); pair < firstPair(encoded, row + 1); pair++) {
      const column = encoded.ids[pair]!;
      if (isUnknown[column] === 0) pairs.push({ column, value: encoded.values?.[pair] ?? 1 });
    }
    const listed = new Map<number, number>();
    for (const { column } of pairs)
      if (isList[column] === 1) listed.set(fieldOf[column]!, (listed.get(fieldOf[column]!) ?? 0) + 1);
    for (const { column, value } of pairs) {
      columns[end] = column;
      const byScale = scale[fieldOf[column]!];
      values[end++] =
        byScale !== undefined
          ? value * byScale
          : isList[column] === 1
            ? 1 / Math.sqrt(listed.get(fieldOf[column]!)!)
            : value;
    }
    indptr[row + 1] = end;
  }
  return {
    numRows,
    blocks: offsets,
    indptr,
    columns: columns.subarray(0, end),
    values: values.subarray(0, end),
    fields,
  };
}

/** Returns the factor of each field of vectors; undefined for other fields. */
function vectorScale(
  { fields, offsets, numFeatures }: FeatureSpace,
  dataset: Dataset,
  rows: FeatureRows,
  known: Uint32Array,
): (number | undefined)[] {
  const [sums, squares] = [new Float64Array(numFeatures), new Float64Array(numFeatures)];
  for (const row of known)
    forEachPair(rows, row, (feature, x) => {
      sums[feature]! += x;
      squares[feature]! += x * x;
    });
  return fields.map(({ name, kind }, f) => {
    const column = columnNamed(dataset, name);
    if (kind !== "multi" || !isVectors(column as MultiColumn)) return undefined;
    let variance = 0;
    for (let i = offsets[f]!; i < offsets[f + 1]!; i++)
      variance += squares[i]! / known.length - (sums[i]! / known.length) ** 2;
    return variance > 1e-12 ? 1 / Math.sqrt(variance) : 1;
  });
}

export function rowsOfField({ blocks, columns, values, ...rows }: ContentRows, field: number): BlockRows {
  const [first, last] = [blocks[field]!, blocks[field + 1]!];
  const indptr = new Uint32Array(rows.numRows + 1);
  const pairs: number[] = [];
  for (let row = 0; row < rows.numRows; row++) {
    for (let pair = rows.indptr[row]!; pair < rows.indptr[row + 1]!; pair++)
      if (columns[pair]! >= first && columns[pair]! < last) pairs.push(pair);
    indptr[row + 1] = pairs.length;
  }
  return {
    numRows: rows.numRows,
    ...{ blocks: [0, last - first], indptr },
    columns: Uint32Array.from(pairs, (pair) => columns[pair]! - first),
    values: Float64Array.from(pairs, (pair) => values[pair]!),
  };
}
