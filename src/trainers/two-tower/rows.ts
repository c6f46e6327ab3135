// Numbers the rows of vectors as the kernel expects, and converts features to these rows.
//
//   0 .. I-1   items as candidates               then items in histories, unless they have the rows of candidates
//   then       features of the context fields, the users' bias, the example's age, features of the item's side fields

import { firstPair, type FeatureRows } from "../../dataset/rows.js";
import { featureHashes, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { FieldRows } from "../../compute/kernels/two-tower/inputs.js";
import { featureKey, firstUnit } from "../../base/numeric/initial.js";

/** Bound of initial vectors, which are uniform in ±SPREAD. */
const SPREAD = 0.05;

export interface TowerRows {
  numRows: number;
  numItems: number;
  /** u32[numItems]: feature of each item */
  itemFeatures: Uint32Array;
  /** first row of items in histories; 0 if items have the same rows in histories and as candidates */
  firstHistoryRow: number;
  context: FieldsAsRows;
  /** the last rows of the context; undefined if unused */
  biasRow: number | undefined;
  ageRow: number | undefined;
  side: FieldsAsRows;
}

/** The features of each field have consecutive rows in the matrix of vectors. */
interface FieldsAsRows {
  fields: readonly number[];
  /** u32: first row of each field's block, then the end; the users' bias and the example's age count as fields */
  rowEnds: Uint32Array;
}

/** @param how.separate whether items have separate rows in histories */
export function towerRows(
  { offsets }: FeatureSpace,
  itemFeatures: Uint32Array,
  how: {
    context: readonly number[];
    side: readonly number[];
    separate: boolean;
    bias: boolean;
    age: boolean;
  },
): TowerRows {
  const numItems = itemFeatures.length;
  let end = how.separate ? 2 * numItems : numItems;
  const blocks = (fields: readonly number[], more: number): FieldsAsRows => {
    const ends = [end, ...fields.map((f) => (end += offsets[f + 1]! - offsets[f]!))];
    for (let i = 0; i < more; i++) ends.push(++end);
    return { fields, rowEnds: Uint32Array.from(ends) };
  };
  const context = blocks(how.context, (how.bias ? 1 : 0) + (how.age ? 1 : 0));
  const ageRow = how.age ? end - 1 : undefined;
  const biasRow = how.bias ? (ageRow ?? end) - 1 : undefined;
  const side = blocks(how.side, 0);
  return {
    numRows: end,
    numItems,
    itemFeatures,
    firstHistoryRow: how.separate ? numItems : 0,
    context,
    ...{ biasRow, ageRow },
    side,
  };
}

/** u32: hash of each item, independent of the vocabulary, by which histories that are sets are sorted. */
export function itemHashes(space: FeatureSpace, items: Uint32Array): Uint32Array {
  const hashes = featureHashes(space);
  return items.map((feature) => hashes[2 * feature]!);
}

export function forEachRow(
  { offsets }: FeatureSpace,
  { fields, rowEnds }: FieldsAsRows,
  visit: (row: number, feature: number) => void,
): void {
  fields.forEach((f, i) => {
    for (let feature = offsets[f]!; feature < offsets[f + 1]!; feature++)
      visit(rowEnds[i]! + feature - offsets[f]!, feature);
  });
}

/** Features to pairs of a row and a value. @param more rows of no field, appended to the pairs of each row */
export function fieldRows(
  { offsets }: FeatureSpace,
  { fields, rowEnds }: FieldsAsRows,
  rows: FeatureRows,
  more: readonly RowBeside[] = [],
): FieldRows {
  const { numRows } = rows;
  const indptr = rows.indptr?.map((pair, r) => pair + r * more.length);
  const numPairs = firstPair(rows, numRows) + numRows * more.length;
  const ids = new Uint32Array(numPairs);
  const hasValues = rows.values !== undefined || more.some(({ values }) => values);
  const values = hasValues ? new Float32Array(numPairs).fill(1) : undefined;
  let at = 0;
  for (let r = 0; r < numRows; r++) {
    let i = 0;
    for (let pair = firstPair(rows, r); pair < firstPair(rows, r + 1); pair++) {
      const feature = rows.ids[pair]!;
      while (feature >= offsets[fields[i]! + 1]!) i++;
      if (rows.values) values![at] = rows.values[pair]!;
      ids[at++] = rowEnds[i]! + feature - offsets[fields[i]!]!;
    }
    for (const { row, values: own } of more) {
      if (own) values![at] = own[r]!;
      ids[at++] = row;
    }
  }
  return {
    ...{ width: rows.width + more.length, ids, rowEnds },
    indptr,
    values,
  };
}

/** A row of no field, with its value in each event; absent: 1. */
interface RowBeside {
  row: number;
  values?: Float32Array;
}

/** Rows of the users' bias and the example's age. @param agesOf returns f32: age of each event or user */
export function rowsBeside({ biasRow, ageRow }: TowerRows, agesOf: () => Float32Array): RowBeside[] {
  return [
    ...(biasRow === undefined ? [] : [{ row: biasRow }]),
    ...(ageRow === undefined ? [] : [{ row: ageRow, values: agesOf() }]),
  ];
}

/**
 * Initial vectors, f32[numRows * dim]. A value depends only on the seed, the feature's hash and the dimension, so other
 * vocabularies do not change it. Features without events, the users' bias and the age are 0.
 */
export function firstVectors(
  space: FeatureSpace,
  rows: TowerRows,
  counts: Uint32Array,
  { seed, dim }: { seed: number; dim: number },
): Float32Array {
  const hashes = featureHashes(space);
  const vectors = new Float32Array(rows.numRows * dim);
  const put = (row: number, feature: number, from = 0) => {
    if (counts[feature] === 0) return;
    const key = featureKey(seed, hashes, feature);
    for (let d = 0; d < dim; d++) vectors[row * dim + d] = SPREAD * firstUnit(key, from + d);
  };
  const { itemFeatures, firstHistoryRow, context, side } = rows;
  itemFeatures.forEach((feature, item) => {
    put(item, feature);
    if (firstHistoryRow > 0) put(firstHistoryRow + item, feature, dim);
  });
  for (const fields of [context, side]) forEachRow(space, fields, put);
  return vectors;
}
