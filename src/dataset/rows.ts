// Feature rows, the input of trainers. A row is a list of (feature, value) pairs; usually one feature per field with
// value 1.
//
// One-hot cell: (its feature, 1). Multi-valued cell of n values: (each feature, 1/n), or (each feature, its number).
// Number: (the field's feature, (x - mean) / deviation). An empty cell adds no pair; an unknown key is the field's
// out-of-vocabulary feature.

import { MISSING } from "../log/keys.js";
import { sharedU32, valuesAt } from "../numeric/indices.js";
import { areShared, shareRounds } from "../workers/rounds.js";
import type { Column, Dataset, MultiColumn } from "./dataset.js";
import { ROWS_OF_ROUND, start, type Encoding } from "./encoding.worker.js";
import { isNeverEmpty } from "./vocabulary/key-counts.js";
import { columnOf, idsOf, type FeatureSpace, type Field } from "./vocabulary/vocabulary.js";

/** Rows of one split of a dataset, in the memory layout that kernels read. */
export interface FeatureRows {
  numRows: number;
  /** u32[numRows + 1]: row r has pairs indptr[r] .. indptr[r + 1). Absent if every row has exactly `width` pairs */
  indptr?: Uint32Array;
  /** number of pairs of each row; used if indptr is absent */
  width: number;
  /** u32[numPairs]: features of the pairs, distinct within a row */
  ids: Uint32Array;
  /** f32[numPairs]: values of the pairs; absent when all are 1 */
  values?: Float32Array;
  /** f32[numRows]: labels, 0 or 1 for the logistic loss, any number for the squared loss */
  labels: Float32Array;
  /** f32[numRows]: the weight of each row, with mean 1 over the training split; absent if all are 1 */
  weights?: Float32Array;
}

/** Rows on disk, read one block at a time; their labels and weights are in memory. */
export interface StoredRows extends Pick<FeatureRows, "numRows" | "labels" | "weights"> {
  rowsAt(first: number, count: number, epoch: number): FeatureRows;
}

/**
 * The training split. The trainer shuffles `resident` rows, whose cells may change from epoch to epoch (`atEpoch`
 * returns as many rows with no more pairs). `drawn` rows contain new negatives in each epoch; they arrive in chunks in
 * the order of training, and each chunk is prepared while the trainer processes the previous chunk. `stored` rows are
 * shuffled like resident rows and arrive in chunks like drawn rows.
 */
export type TrainingRows =
  | { kind: "resident"; rows: FeatureRows; atEpoch?(epoch: number): FeatureRows }
  | { kind: "drawn"; numRows: number; draw(epoch: number): Iterable<FeatureRows> }
  | { kind: "stored"; rows: StoredRows };

/** Returns the index of a row's first pair. The pairs of row r end where the pairs of row r + 1 begin. */
export function firstPair({ indptr, width }: Pick<FeatureRows, "indptr" | "width">, row: number): number {
  return indptr ? indptr[row]! : row * width;
}

/** Calls a function with each pair (feature, value) of a row. */
export function forEachPair(
  rows: FeatureRows,
  row: number,
  visit: (feature: number, x: number) => void,
): void {
  const { ids, values } = rows;
  const end = firstPair(rows, row + 1);
  for (let pair = firstPair(rows, row); pair < end; pair++) visit(ids[pair]!, values ? values[pair]! : 1);
}

/** Returns a function that returns a pair's feature. It does not encode rows whose encoding is deferred. */
export function featureReader(rows: FeatureRows): (pair: number) => number {
  const encoding = encodings.get(rows);
  if (!encoding) {
    const { ids } = rows;
    return (pair) => ids[pair]!;
  }
  const { width } = rows;
  const { fields, rows: order } = encoding;
  return (pair) => {
    const row = Math.floor(pair / width);
    const { codes, ids, offset } = fields[pair - row * width]!;
    return offset + ids[codes[order[row]!]!]!;
  };
}

/** Returns the rows at the given indices, in that order. */
export function rowsAt(rows: FeatureRows, order: ArrayLike<number>): FeatureRows {
  const startOf = (row: number) => firstPair(rows, row);
  const indptr = new Uint32Array(order.length + 1);
  for (let i = 0; i < order.length; i++) {
    indptr[i + 1] = indptr[i]! + startOf(order[i]! + 1) - startOf(order[i]!);
  }
  const numPairs = indptr[order.length]!;
  const ids = new Uint32Array(numPairs);
  const values = rows.values ? new Float32Array(numPairs) : undefined;
  for (let i = 0; i < order.length; i++) {
    const [start, end] = [startOf(order[i]!), startOf(order[i]! + 1)];
    ids.set(rows.ids.subarray(start, end), indptr[i]);
    values?.set(rows.values!.subarray(start, end), indptr[i]);
  }
  return {
    numRows: order.length,
    width: rows.width,
    ...(rows.indptr && { indptr }),
    ids,
    values,
    labels: valuesAt(rows.labels, order),
    ...(rows.weights && { weights: valuesAt(rows.weights, order) }),
  };
}

/** Number of nonempty cells of a field, and number of cells whose key is not in the space. */
export interface UnseenCounts {
  cells: number;
  unseen: number;
}

/** Encodes rows of a dataset with a feature space. */
export interface Encoder {
  /**
   * Encodes rows of the dataset as feature rows.
   *
   * @param rows u32: indices of the dataset's rows
   * @param labels f32[rows.length]
   * @param fields indices of the fields to encode; all by default
   */
  encode(rows: Uint32Array, labels: Float32Array, fields?: readonly number[]): FeatureRows;
  /** Returns, by field name, the number of the rows' cells whose key is not in the space. */
  countUnseen(rows: Uint32Array): Record<string, UnseenCounts>;
  /** Whether each of the rows has exactly one feature per field, with value 1. */
  isDense(rows: Uint32Array): boolean;
  /**
   * Returns an encoder for a slice of the dataset's rows. If isDense, each row has one pair per field, and the result
   * has no offsets; otherwise it has the offsets of each row's pairs.
   */
  ofSlice(slice: Dataset, isDense: boolean): Pick<Encoder, "encode">;
}

/** A field with the column that contains its cells. */
interface BoundField {
  field: Field;
  column: Column;
  offset: number;
  /** u32: id within the field, by code of the column's dictionary (categorical fields) */
  ids: Uint32Array;
}

const encoders = new WeakMap<FeatureSpace, WeakMap<Dataset, Encoder>>();

/**
 * Creates an encoder for a fitted space and a dataset, which may be the fitted dataset or another log with the same
 * columns.
 *
 * Each key of the dataset is looked up only once, so splits of a dataset should share the encoder.
 */
export function bindEncoder(space: FeatureSpace, dataset: Dataset): Encoder {
  let ofSpace = encoders.get(space);
  if (!ofSpace) encoders.set(space, (ofSpace = new WeakMap()));
  let encoder = ofSpace.get(dataset);
  if (!encoder) ofSpace.set(dataset, (encoder = encoderOf(space, dataset)));
  return encoder;
}

function encoderOf(space: FeatureSpace, dataset: Dataset): Encoder {
  const bound = space.fields.map((field, f): BoundField => {
    const column = columnOf(dataset, field);
    const ids =
      field.kind === "number" || column.kind === "number"
        ? new Uint32Array()
        : idsOf(field, column.dictionary);
    return { field, column, offset: space.offsets[f]!, ids };
  });
  return {
    isDense: (rows) => isDense(bound, rows),
    ofSlice(slice, dense) {
      const own = bound.map((cells) => ({ ...cells, column: columnOf(slice, cells.field) }));
      return {
        encode: (rows, labels) => (dense ? encodeDense(own, rows, labels)! : encodePairs(own, rows, labels)),
      };
    },
    encode(rows, labels, fields) {
      const chosen = fields ? fields.map((f) => bound[f]!) : bound;
      return encodeDense(chosen, rows, labels) ?? encodePairs(chosen, rows, labels);
    },
    countUnseen: (rows) =>
      Object.fromEntries(
        bound
          .filter(({ field }) => field.kind !== "number")
          .map((cells) => [cells.field.name, countUnseenCells(cells, rows)]),
      ),
  };
}

/** Whether each row has exactly one feature per field, with value 1. */
function isDense(bound: BoundField[], rows: Uint32Array): boolean {
  return bound.every(({ column }) => {
    if (column.kind !== "key") return false;
    const { codes } = column;
    for (let i = 0; i < rows.length; i++) if (codes[rows[i]!] === MISSING) return false;
    return true;
  });
}

/**
 * Encodes rows that have one feature of value 1 in each field; returns undefined if a row does not. If the columns are
 * known to have no empty cell, the rows are encoded lazily, on the first access to their ids.
 */
function encodeDense(bound: BoundField[], rows: Uint32Array, labels: Float32Array): FeatureRows | undefined {
  const fields = bound.flatMap(({ column, ids, offset }) =>
    column.kind === "key" ? [{ codes: column.codes, ids, offset }] : [],
  );
  if (fields.length < bound.length) return undefined;
  const encoding: Encoding = { fields, rows };
  const head = { numRows: rows.length, width: fields.length, labels };
  if (rows.length > ROWS_OF_ROUND && fields.every(({ codes }) => isNeverEmpty(codes))) {
    let ids: Uint32Array | undefined;
    const later = {
      ...head,
      get ids() {
        return (ids ??= encodeNow(encoding)!);
      },
    };
    encodings.set(later, encoding);
    return later;
  }
  const ids = encodeNow(encoding);
  return ids && { ...head, ids };
}

/** Returns u32[rows.length][fields.length]: all features; undefined if a cell is empty. */
function encodeNow({ fields, rows }: Encoding): Uint32Array | undefined {
  const features = sharedU32(rows.length * fields.length);
  const hasEmpty = sharedU32(1);
  const numRounds = Math.ceil(rows.length / ROWS_OF_ROUND);
  const url = new URL("./encoding.worker.js", import.meta.url);
  shareRounds(url, start, { fields, rows, features, hasEmpty }, numRounds, encodingArrays({ fields, rows }));
  return hasEmpty[0] === 1 ? undefined : features;
}

function encodingArrays({ fields, rows }: Encoding): Uint32Array[] {
  return [rows, ...fields.flatMap(({ codes, ids }) => [codes, ids])];
}

/** for rows that are not encoded yet: the inputs by which they are encoded on demand */
const encodings = new WeakMap<FeatureRows, Encoding>();

/** Returns the inputs with which other threads can encode the rows; undefined if the rows are encoded already. */
export function sharedEncodingOf(rows: FeatureRows): Encoding | undefined {
  const encoding = encodings.get(rows);
  return encoding && areShared(encodingArrays(encoding)) ? encoding : undefined;
}

function encodePairs(bound: BoundField[], rows: Uint32Array, labels: Float32Array): FeatureRows {
  const indptr = new Uint32Array(rows.length + 1);
  for (let i = 0; i < rows.length; i++) {
    let pairs = 0;
    for (const cells of bound) pairs += countPairs(cells, rows[i]!);
    indptr[i + 1] = indptr[i]! + pairs;
  }
  const ids = new Uint32Array(indptr[rows.length]!);
  const values = new Float32Array(ids.length).fill(1);
  const end = indptr.slice(0, rows.length);
  for (const { field, column, offset, ids: idOf } of bound) {
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      if (column.kind === "number") {
        const x = column.values[row]!;
        if (x !== x || field.kind !== "number") continue;
        ids[end[i]!] = offset;
        values[end[i]!++] = (x - field.mean) / field.deviation;
      } else if (column.codes[row] === MISSING) {
        continue;
      } else if (column.kind === "key") {
        ids[end[i]!++] = offset + idOf[column.codes[row]!]!;
      } else {
        end[i] = putValues(column, column.codes[row]!, idOf, offset, ids, values, end[i]!);
      }
    }
  }
  return { numRows: rows.length, width: 0, indptr, ids, values, labels };
}

/** Returns the number of pairs of one cell. All unknown values of a multi-valued cell share one pair. */
function countPairs({ column, ids }: BoundField, row: number): number {
  if (column.kind === "number") return Number.isNaN(column.values[row]) ? 0 : 1;
  if (column.codes[row] === MISSING) return 0;
  if (column.kind === "key") return 1;
  const cell = column.codes[row]!;
  let known = 0;
  for (let j = column.indptr[cell]!; j < column.indptr[cell + 1]!; j++)
    known += ids[column.values[j]!] === 0 ? 0 : 1;
  return known + (known < column.indptr[cell + 1]! - column.indptr[cell]! ? 1 : 0);
}

/** Writes the pairs of a multi-valued cell to the positions from `at` on, and returns the end position. */
function putValues(
  column: MultiColumn,
  cell: number,
  idOf: Uint32Array,
  offset: number,
  ids: Uint32Array,
  values: Float32Array,
  at: number,
): number {
  const from = column.indptr[cell]!;
  const to = column.indptr[cell + 1]!;
  const { weights } = column;
  // the weights of the unknown values are added up, and the values counted, because positive and negative weights may
  // cancel out
  let [unknown, numUnknown] = [0, 0];
  for (let j = from; j < to; j++) {
    const id = idOf[column.values[j]!]!;
    if (id === 0) {
      unknown += weights ? weights[j]! : 1;
      numUnknown++;
    } else {
      ids[at] = offset + id;
      values[at++] = weights ? weights[j]! : 1 / (to - from);
    }
  }
  if (numUnknown > 0) {
    ids[at] = offset;
    values[at++] = weights ? unknown : unknown / (to - from);
  }
  return at;
}

function countUnseenCells({ column, ids }: BoundField, rows: Uint32Array): UnseenCounts {
  const counts = { cells: 0, unseen: 0 };
  if (column.kind === "number") return counts;
  for (const row of rows) {
    const code = column.codes[row]!;
    if (code === MISSING) continue;
    counts.cells++;
    if (column.kind === "key") {
      counts.unseen += ids[code] === 0 ? 1 : 0;
    } else {
      const cell = column.values.subarray(column.indptr[code], column.indptr[code + 1]);
      counts.unseen += cell.some((value) => ids[value] === 0) ? 1 : 0;
    }
  }
  return counts;
}

/**
 * Returns rows with the pairs of a left row and a right row, in the order of their fields, as an encoder returns them.
 *
 * @param left, right rows of different fields of one space
 * @param places u32[numRows] each, leftPlaces and rightPlaces: indices of the left and of the right row that each
 *   result row joins
 */
export function joinedRows(
  left: FeatureRows,
  leftPlaces: Uint32Array,
  right: FeatureRows,
  rightPlaces: Uint32Array,
): FeatureRows {
  const numRows = leftPlaces.length;
  const isDense = [left, right].every(({ indptr, values }) => !indptr && !values);
  const indptr = new Uint32Array(isDense ? 0 : numRows + 1);
  if (!isDense)
    for (let r = 0; r < numRows; r++)
      indptr[r + 1] = indptr[r]! + pairsIn(left, leftPlaces[r]!) + pairsIn(right, rightPlaces[r]!);
  const width = left.width + right.width;
  const ids = new Uint32Array(isDense ? numRows * width : indptr[numRows]!);
  const values = isDense ? undefined : new Float32Array(ids.length);
  let at = 0;
  const take = (rows: FeatureRows, pair: number): void => {
    ids[at] = rows.ids[pair]!;
    if (values) values[at] = rows.values ? rows.values[pair]! : 1;
    at++;
  };
  for (let r = 0; r < numRows; r++) {
    let [l, k] = [firstPair(left, leftPlaces[r]!), firstPair(right, rightPlaces[r]!)];
    const [endL, endK] = [firstPair(left, leftPlaces[r]! + 1), firstPair(right, rightPlaces[r]! + 1)];
    // the next pairs of the left and the right row belong to different fields, so their features differ, and the lower
    // feature comes first
    while (l < endL || k < endK) {
      if (k === endK || (l < endL && left.ids[l]! < right.ids[k]!)) take(left, l++);
      else take(right, k++);
    }
  }
  const labels = new Float32Array(numRows);
  return isDense
    ? { numRows, width, ids, labels }
    : { numRows, width: 0, indptr, ids, values: values!, labels };
}

function pairsIn(rows: FeatureRows, row: number): number {
  return firstPair(rows, row + 1) - firstPair(rows, row);
}
