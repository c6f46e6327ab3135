// Feature rows, the input of trainers. A row is a list of (feature, value) pairs; usually one feature per field with
// value 1.
//
// One-hot cell: (its feature, 1). Multi-valued cell of n values: (each feature, 1/n), or (each feature, its number).
// Number: (the field's feature, (x - mean) / deviation). An empty cell adds no pair; an unknown key is the field's
// out-of-vocabulary feature.

import { MISSING } from "../log/keys.js";
import { lowerBound, mapTo, sharedU32, valuesAt } from "../base/numeric/indices.js";
import { areShared, shareRounds } from "../compute/threads/rounds.js";
import { isNeverEmpty } from "./vocabulary/key-counts.js";
import { idsOf, inFormOf, type FeatureSpace, type Field } from "./vocabulary/vocabulary.js";
import { DataError } from "../base/errors.js";
import { isVectors } from "./multi.js";
import { columnsNamed, type Column, type Dataset, type MultiColumn } from "./dataset.js";
import type { LabelArray } from "./labels.js";
import { encodeRows, ROWS_OF_ROUND, start, type Encoding } from "./encoding.worker.js";
import { inReadingOrder, isStored, slicesAt } from "./stored-columns.js";

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
export interface StoredRows extends Pick<FeatureRows, "numRows" | "weights"> {
  labels: LabelArray;
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
  if (!rows.indptr && !rows.values) return denseRowsAt(rows, order);
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

function denseRowsAt(
  { width, ids: all, labels, weights }: FeatureRows,
  order: ArrayLike<number>,
): FeatureRows {
  const ids = new Uint32Array(order.length * width);
  for (let i = 0, to = 0; i < order.length; i++)
    for (let from = order[i]! * width, end = from + width; from < end;) ids[to++] = all[from++]!;
  return {
    ...{ numRows: order.length, width, ids, labels: valuesAt(labels, order) },
    ...(weights && { weights: valuesAt(weights, order) }),
  };
}

/** Returns the rows of several lists as one. In lists without values or weights, these are 1 if others have some. */
export function concatRows(pieces: readonly FeatureRows[]): FeatureRows {
  const [head] = pieces;
  if (pieces.length === 1) return head!;
  const width = head?.width ?? 0;
  const isDense = pieces.every((piece) => !piece.indptr && piece.width === width);
  const numRows = pieces.reduce((sum, piece) => sum + piece.numRows, 0);
  const numPairs = pieces.reduce((sum, piece) => sum + piece.ids.length, 0);
  const all = {
    ...{ numRows, width: isDense ? width : 0 },
    ...(!isDense && { indptr: new Uint32Array(numRows + 1) }),
    ...{ ids: new Uint32Array(numPairs), labels: new Float32Array(numRows) },
    ...(pieces.some(({ values }) => values) && { values: new Float32Array(numPairs).fill(1) }),
    ...(pieces.some(({ weights }) => weights) && { weights: new Float32Array(numRows).fill(1) }),
  };
  let [row, pair] = [0, 0];
  for (const piece of pieces) {
    all.ids.set(piece.ids, pair);
    all.labels.set(piece.labels, row);
    if (piece.values) all.values!.set(piece.values, pair);
    if (piece.weights) all.weights!.set(piece.weights, row);
    if (all.indptr) for (let r = 1; r <= piece.numRows; r++) all.indptr[row + r] = pair + firstPair(piece, r);
    row += piece.numRows;
    pair += piece.ids.length;
  }
  return all;
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
  /** Returns, by field name, the number of the rows' cells whose key is not in the feature space. */
  countUnseen(rows: Uint32Array): Record<string, UnseenCounts>;
}

interface BoundField {
  field: Field;
  column: Column;
  offset: number;
  /** u32: id within the field, by code of the column's dictionary (categorical fields) */
  ids: Uint32Array;
}

const encoders = new WeakMap<FeatureSpace, WeakMap<Dataset, Encoder>>();

/**
 * Creates an encoder for a feature space and a dataset, which may be the one on which the space was fitted, or another
 * log with the same columns.
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
  const names = space.fields.map(({ name }) => name);
  const columns = columnsNamed(dataset, names);
  const ids = space.fields.map((field, f) => {
    const column = columns[f]!;
    if (field.kind === "number") return new Uint32Array();
    if (column.kind === "number") return idsOf(field, field.keys);
    const { dictionary } = column;
    if (
      column.kind === "multi" &&
      isVectors(column) &&
      dictionary.size > 0 &&
      dictionary.size !== field.keys.size
    )
      throw new DataError(
        `column '${column.name}' has vectors of ${dictionary.size} numbers, but the run was trained on vectors of ` +
          `${field.keys.size}: make them in the same way, or train again`,
      );
    return idsOf(field, dictionary);
  });
  const boundTo = (fields: readonly number[], own: readonly Column[]) =>
    fields.map((f, i): BoundField => {
      const field = space.fields[f]!;
      return { field, column: inFormOf(own[i]!, field), offset: space.offsets[f]!, ids: ids[f]! };
    });
  const whole = isStored({ columns }) ? undefined : boundTo([...columns.keys()], columns);
  /** yields the rows in slices that fit in memory, with the chosen fields and their columns in the slice */
  function* slices(rows: Uint32Array, fields: readonly number[] = [...columns.keys()]) {
    const own = fields.map((f) => columns[f]!);
    if (whole) yield { rows, first: 0, bound: fields.map((f) => whole[f]!) };
    else for (const slice of slicesAt(own, rows)) yield { ...slice, bound: boundTo(fields, slice.columns) };
  }
  return {
    encode(rows, labels, fields) {
      const sorted = inReadingOrder(columns, rows);
      if (sorted !== rows)
        return inOrderOf(rows, sorted, this.encode(sorted, new Float32Array(), fields), labels);
      const pieces: FeatureRows[] = [];
      for (const { rows: own, first, bound } of slices(rows, fields)) {
        const ownLabels = whole ? labels : labels.subarray(first, first + own.length);
        pieces.push(encodeDense(bound, own, ownLabels) ?? encodePairs(bound, own, ownLabels));
      }
      return concatRows(pieces);
    },
    countUnseen(rows) {
      const counts = space.fields.map((): UnseenCounts => ({ cells: 0, unseen: 0 }));
      for (const { rows: own, bound } of slices(inReadingOrder(columns, rows)))
        bound.forEach((cells, f) => addUnseen(cells, own, counts[f]!));
      const fields = space.fields.map(({ name }, f) => [name, counts[f]!] as const);
      return Object.fromEntries(fields.filter((_, f) => space.fields[f]!.kind !== "number"));
    },
  };
}

/** Returns feature rows in the order of `rows`. @param encoded the rows of `sorted`, the same in ascending order */
function inOrderOf(
  rows: Uint32Array,
  sorted: Uint32Array,
  encoded: FeatureRows,
  labels: Float32Array,
): FeatureRows {
  return {
    ...rowsAt(
      encoded,
      mapTo(Uint32Array, rows, (row) => lowerBound(sorted, row)),
    ),
    labels,
  };
}

/** Encodes rows with one feature of value 1 in each field; else undefined. Lazily if no cell is known to be empty. */
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
  const numRounds = Math.ceil(rows.length / ROWS_OF_ROUND);
  if (numRounds === 1) {
    const features = new Uint32Array(rows.length * fields.length);
    return encodeRows({ fields, rows }, features, 0, rows.length) ? features : undefined;
  }
  const features = sharedU32(rows.length * fields.length);
  const hasEmpty = sharedU32(1);
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

/** Adds the number of the rows' nonempty cells in a field, and of those whose key is not in the feature space. */
function addUnseen({ column, ids }: BoundField, rows: Uint32Array, counts: UnseenCounts): void {
  if (column.kind === "number") return;
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
}

/**
 * Returns rows with the pairs of a left row and a right row, in the order of their fields, as an encoder returns them.
 *
 * @param left, right rows of different fields of one space
 * @param places u32[numRows] for each side: index of the left (right) row of each result row
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
    // the next left pair and the next right pair belong to different fields, so that their features differ
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
