// What names the rows that `embed transform` writes.

import { MISSING } from "../../log/keys.js";
import { columnNamed, type Dataset } from "../../dataset/dataset.js";

/** A row's key as bytes: its cell in a column, empty where that is missing, or its number from 1. */
export function keysOfRows(dataset: Dataset, key: string | undefined): (row: number) => Uint8Array {
  if (key === undefined) return (row) => Buffer.from(String(row + 1));
  const column = columnNamed(dataset, key);
  if (column.kind === "number") {
    return (row) => Buffer.from(Number.isNaN(column.values[row]!) ? "" : String(column.values[row]));
  }
  if (column.kind === "multi") throw new RangeError("a key is one value");
  const { codes, dictionary } = column;
  return (row) => {
    const code = codes[row]!;
    if (code === MISSING) return new Uint8Array();
    return dictionary.bytes.subarray(dictionary.offsets[code], dictionary.offsets[code + 1]);
  };
}
