// Encodes users and items that were not in training by the towers of a trained model.

import { mapTo } from "../../base/numeric/indices.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { FieldRows } from "../../compute/kernels/two-tower/inputs.js";
import { TowersMachine } from "./machine.js";
import { slotsOf, type StoredTowers } from "./model.js";
import { networkOf } from "./network.js";
import { forEachRow, towerRows, type TowerRows } from "./rows.js";

/** Items are numbered in the order of the keys of their field. */
export function rowsOfRun(space: FeatureSpace, { form }: StoredTowers, item: string): TowerRows {
  const at = (name: string) => space.fields.findIndex((field) => field.name === name);
  const f = at(item);
  const numItems = space.offsets[f + 1]! - space.offsets[f]! - 1;
  return towerRows(
    space,
    mapTo(Uint32Array, { length: numItems }, (_, i) => space.offsets[f]! + 1 + i),
    {
      context: form.userFields.map(at),
      side: form.sideFields.map(at),
      separate: form.historyVectors === "own",
      ...{ bias: form.userBias, age: form.exampleAge },
    },
  );
}

/**
 * Starts the towers for encoding. The caller must call `terminate`, which ends the threads.
 * @param items inputs of the item tower and own vectors, f32[numItems * dim]; absent: the run's items
 */
export async function startEncoder(
  space: FeatureSpace,
  towers: StoredTowers,
  rows: TowerRows,
  threads: number,
  items?: { side: FieldRows; own: Float32Array },
): Promise<TowersMachine> {
  const { form, features, userBias, age } = towers;
  const { dim } = form;
  const numOwn = items ? items.own.length / dim : rows.numItems;
  const shape = networkOf({ ...form, dropout: 0 }, slotsOf(form));
  // the number of new items may differ from that of the run's items, so later rows are shifted by the difference
  const moved = numOwn - rows.numItems;
  const shift = (ends: Uint32Array) => ends.map((row) => row + moved);
  const numRows = rows.numRows + moved;
  const machine = await TowersMachine.startEncoding(
    {
      ...{ numRows, numItems: numOwn },
      firstHistoryRow: rows.firstHistoryRow > 0 ? rows.firstHistoryRow + moved : 0,
      ...(items && {
        side: {
          ...items.side,
          ids: items.side.ids.map((row) => row + moved),
          rowEnds: shift(items.side.rowEnds),
        },
      }),
    },
    { numHistories: Math.max(1, form.historyOf.length), rowEnds: shift(rows.context.rowEnds) },
    items ? shape : { ...shape, itemLayers: [] },
    threads,
  );
  const vectors = new Float32Array(numRows * dim);
  const put = (row: number, from: Float32Array, feature: number) =>
    vectors.set(from.subarray(feature * dim, (feature + 1) * dim), row * dim);
  if (items) vectors.set(items.own);
  else for (let item = 0; item < rows.numItems; item++) put(item, towers.items, item + 1);
  if (rows.firstHistoryRow > 0)
    for (let item = 0; item < rows.numItems; item++)
      put(rows.firstHistoryRow + moved + item, towers.histories, item + 1);
  for (const fields of [rows.context, rows.side])
    forEachRow(space, fields, (row, feature) => put(row + moved, features, feature));
  if (rows.biasRow !== undefined && userBias) vectors.set(userBias, (rows.biasRow + moved) * dim);
  if (rows.ageRow !== undefined && age) vectors.set(age, (rows.ageRow + moved) * dim);
  machine.load({ vectors, ...towers.layers });
  return machine;
}
