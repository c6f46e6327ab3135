// Rows as the field-aware kernel reads them: each row's pairs in the order of their fields.
//
// A dataset's rows are so already; negatives have the item's fields after the others.

import { firstPair, type FeatureRows, type StoredRows, type TrainingRows } from "../../../dataset/rows.js";

/** The rows with each row's pairs in the order of their fields, those of one field as they were; the same object when they are so. */
export function inFieldOrder(rows: FeatureRows, fieldOf: Uint32Array): FeatureRows {
  const { numRows, width, indptr, values, ids } = rows;
  if (numRows === 0) return rows;
  // rows of one width without values have one feature of each field, in the same columns
  if (!indptr && !values) {
    const fields = Array.from({ length: width }, (_, column) => fieldOf[ids[column]!]!);
    return isSorted(fields) ? rows : { ...rows, ids: columnsOf(rows, placesBy(fields)) };
  }
  const sorted = { ids: Uint32Array.from(ids), values: values && Float32Array.from(values) };
  let changed = false;
  for (let r = 0; r < numRows; r++) {
    const [from, to] = [firstPair(rows, r), firstPair(rows, r + 1)];
    if (isInOrder(ids, fieldOf, from, to)) continue;
    changed = true;
    placesBy(Array.from(ids.subarray(from, to), (id) => fieldOf[id]!)).forEach((place, i) => {
      sorted.ids[from + i] = ids[from + place]!;
      if (sorted.values) sorted.values[from + i] = values![from + place]!;
    });
  }
  if (!changed) return rows;
  return { ...rows, ids: sorted.ids, ...(sorted.values && { values: sorted.values }) };
}

/** The same of rows to train on, whenever they come. */
export function trainingInFieldOrder(train: TrainingRows, fieldOf: Uint32Array): TrainingRows {
  if (train.kind === "resident") {
    return {
      ...train,
      rows: inFieldOrder(train.rows, fieldOf),
      ...(train.atEpoch && { atEpoch: (epoch: number) => inFieldOrder(train.atEpoch!(epoch), fieldOf) }),
    };
  }
  if (train.kind === "stored") {
    const { rows } = train;
    const rowsAt: StoredRows["rowsAt"] = (first, count, epoch) =>
      inFieldOrder(rows.rowsAt(first, count, epoch), fieldOf);
    return { kind: "stored", rows: { ...rows, rowsAt } };
  }
  return {
    ...train,
    *draw(epoch) {
      for (const chunk of train.draw(epoch)) yield inFieldOrder(chunk, fieldOf);
    },
  };
}

/** Places of a row's pairs by their fields. */
function placesBy(fields: readonly number[]): number[] {
  return fields.map((_, i) => i).toSorted((a, b) => fields[a]! - fields[b]!);
}

function columnsOf({ ids, numRows, width }: FeatureRows, places: readonly number[]): Uint32Array {
  const out = new Uint32Array(ids.length);
  for (let r = 0; r < numRows; r++) {
    for (let f = 0; f < width; f++) out[r * width + f] = ids[r * width + places[f]!]!;
  }
  return out;
}

function isSorted(fields: readonly number[]): boolean {
  return fields.every((field, i) => i === 0 || fields[i - 1]! <= field);
}

function isInOrder(ids: Uint32Array, fieldOf: Uint32Array, from: number, to: number): boolean {
  for (let i = from + 1; i < to; i++) if (fieldOf[ids[i]!]! < fieldOf[ids[i - 1]!]!) return false;
  return true;
}
