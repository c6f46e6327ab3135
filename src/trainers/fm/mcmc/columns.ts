// Transposes feature rows to columns of the fields, in the order in which sweeps read them.
//
//   rows:     row 0: (user 3, film 17, genre 2, genre 5)   ...
//   columns:  user   ids  [3, ...]    at most one feature per row: its id within the field; the field's size if missing
//             film   ids  [17, ...]
//             genre  sparse              several features per row: for each feature its rows and values
//
// All columns are in the shared memory.

import { firstPair, type FeatureRows } from "../../../dataset/rows.js";
import { fieldOfFeatures } from "../../../dataset/vocabulary/vocabulary.js";
import type { Arena } from "../../../kernels/shared/memory.js";

/** Location of a field's cells; offsets are in bytes. */
export type FieldColumn =
  /** field with at most one feature per row; ids: u32[numRows]; values: f32[numRows], whose offset is 0 if all are 1 */
  | { kind: "single"; ids: number; values: number }
  /** field with any number of features per row; indptr: u32[size + 1]; rows: u32[pairs]; values: f32[pairs] */
  | { kind: "sparse"; indptr: number; rows: number; values: number };

/** The kind of a field's cells. */
interface Shape {
  pairs: number;
  /** whether a row may have several features of the field */
  several: boolean;
  /** whether any value of the field differs from 1 */
  valued: boolean;
}

/**
 * Copies the rows into the arena as columns.
 *
 * @param offsets field f owns features [offsets[f], offsets[f + 1])
 * @throws {UsageError} they do not fit
 */
export function transposedColumns(
  arena: Arena,
  rows: FeatureRows,
  offsets: readonly number[],
): FieldColumn[] {
  const fieldOf = fieldOfFeatures(offsets);
  return shapesOf(rows, fieldOf, offsets.length - 1).map((shape, f) => {
    const cells = { rows, fieldOf, field: f, offset: offsets[f]!, size: offsets[f + 1]! - offsets[f]! };
    return shape.several ? sparseColumn(arena, cells, shape) : singleColumn(arena, cells, shape);
  });
}

function shapesOf(rows: FeatureRows, fieldOf: Uint32Array, numFields: number): Shape[] {
  const shapes = Array.from({ length: numFields }, () => ({ pairs: 0, several: false, valued: false }));
  const lastRow = new Int32Array(numFields).fill(-1);
  const { ids, values } = rows;
  for (let r = 0; r < rows.numRows; r++) {
    for (let p = firstPair(rows, r); p < firstPair(rows, r + 1); p++) {
      const f = fieldOf[ids[p]!]!;
      const shape = shapes[f]!;
      shape.pairs++;
      if (lastRow[f] === r) shape.several = true;
      lastRow[f] = r;
      if (values && values[p] !== 1) shape.valued = true;
    }
  }
  return shapes;
}

interface Cells {
  rows: FeatureRows;
  fieldOf: Uint32Array;
  field: number;
  offset: number;
  size: number;
}

/** Calls `put` for each pair of a field, row by row. @param put called with the feature's id within the field */
function visit(
  { rows, fieldOf, field, offset }: Cells,
  put: (feature: number, row: number, pair: number) => void,
): void {
  for (let r = 0; r < rows.numRows; r++) {
    for (let p = firstPair(rows, r); p < firstPair(rows, r + 1); p++) {
      if (fieldOf[rows.ids[p]!] === field) put(rows.ids[p]! - offset, r, p);
    }
  }
}

function singleColumn(arena: Arena, cells: Cells, { valued }: Shape): FieldColumn {
  const { rows, size } = cells;
  const idsAt = arena.allocate("the columns of the training rows", rows.numRows * 4);
  const valuesAt = valued ? arena.allocate("the columns of the training rows", rows.numRows * 4) : undefined;
  const ids = arena.u32(idsAt).fill(size);
  const values = valuesAt && arena.f32(valuesAt);
  visit(cells, (feature, row, pair) => {
    ids[row] = feature;
    if (values) values[row] = rows.values![pair]!;
  });
  return { kind: "single", ids: idsAt.offset, values: valuesAt?.offset ?? 0 };
}

function sparseColumn(arena: Arena, cells: Cells, { pairs }: Shape): FieldColumn {
  const { rows, size } = cells;
  const allocate = (numbers: number) => arena.allocate("the columns of the training rows", numbers * 4);
  const [indptrAt, rowsAt, valuesAt] = [allocate(size + 1), allocate(pairs), allocate(pairs)];
  const [indptr, rowIndexes, values] = [arena.u32(indptrAt), arena.u32(rowsAt), arena.f32(valuesAt)];
  // counting sort by feature: counts the pairs of each feature, then writes each pair behind those of earlier features
  visit(cells, (feature) => indptr[feature + 1]!++);
  for (let i = 0; i < size; i++) indptr[i + 1]! += indptr[i]!;
  const end = indptr.slice(0, size);
  visit(cells, (feature, row, pair) => {
    rowIndexes[end[feature]!] = row;
    values[end[feature]!++] = rows.values ? rows.values[pair]! : 1;
  });
  return { kind: "sparse", indptr: indptrAt.offset, rows: rowsAt.offset, values: valuesAt.offset };
}
