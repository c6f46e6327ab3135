// values.arrow: every value of every dictionary with its count, for people and other tools; no command reads it back.
//
//   column  dictionary<utf8>, i32 indices, id 0: the column's name
//   key     utf8, by first appearance in the log
//   count   u32: rows that hold it
//
// Multi-valued cells count for each of their values.

import { keysOf, type Keys } from "../../log/keys.js";
import { arrow } from "../../io/apache-arrow-whole.js";
import type { ChunkWriter } from "../../io/write.js";
import type { ColumnPlan } from "../columns.js";
import { splitCells, type CellForm } from "../multi.js";
import { ArrowFile, dictionaryType, laterDictionary, textData } from "./arrow-writer.js";

const ROWS_A_BATCH = 65_536;

/**
 * @param dictionaries by column: distinct keys, or whole cells
 * @param counts by column: rows of each
 */
export async function writeValues(
  file: ChunkWriter,
  plans: readonly ColumnPlan[],
  dictionaries: readonly Keys[],
  counts: readonly Uint32Array[],
): Promise<void> {
  const out = new ArrowFile(file, [
    new arrow.Field("column", dictionaryType(0), false),
    new arrow.Field("key", new arrow.Utf8(), false),
    new arrow.Field("count", new arrow.Uint32(), false),
  ]);
  for (const [i, plan] of plans.entries()) {
    if (plan.kind === "number") continue;
    const [keys, ofKey] =
      plan.kind === "multi"
        ? countsOfValues(plan.name, plan, dictionaries[i]!, counts[i]!)
        : [dictionaries[i]!, counts[i]!];
    for (let first = 0; first < keys.size; first += ROWS_A_BATCH) {
      const length = Math.min(ROWS_A_BATCH, keys.size - first);
      const column = new Int32Array(length).fill(i);
      const count = new Uint32Array(length);
      count.set(ofKey.subarray(first, first + length));
      await out.writeBatch(length, [
        arrow.makeData({
          type: dictionaryType(0),
          length,
          nullCount: 0,
          data: column,
          dictionary: laterDictionary,
        }),
        textData(slice(keys, first, length)),
        arrow.makeData({ type: new arrow.Uint32(), length, nullCount: 0, data: count }),
      ]);
    }
  }
  await out.writeDictionary(0, keysOf(plans.map(({ name }) => name)));
  await out.finish();
}

function countsOfValues(name: string, form: CellForm, cells: Keys, ofCell: Uint32Array): [Keys, Uint32Array] {
  const { dictionary, indptr, values } = splitCells(name, new Uint32Array(), cells, form);
  const counts = new Uint32Array(dictionary.size);
  for (let cell = 0; cell < cells.size; cell++) {
    for (let j = indptr[cell]!; j < indptr[cell + 1]!; j++) counts[values[j]!]! += ofCell[cell] ?? 0;
  }
  return [dictionary, counts];
}

/** Consecutive keys, with offsets from 0. */
function slice({ bytes, offsets }: Keys, first: number, size: number): Keys {
  const start = offsets[first]!;
  const own = offsets.slice(first, first + size + 1);
  for (let i = 0; i <= size; i++) own[i]! -= start;
  return { size, bytes: bytes.subarray(start, offsets[first + size]), offsets: own };
}
