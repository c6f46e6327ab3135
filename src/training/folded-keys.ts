// Keys of a log of events with the vectors that a run makes of their events: what `transform --fold-in` writes where no new key is asked for.

import { columnNamed, type Dataset, type KeyColumn } from "../dataset/dataset.js";
import { DataError, UsageError } from "../errors.js";
import { once, vectorEncoding } from "../export/encoded-rows.js";
import { keyAt } from "../log/dictionary.js";
import { listedKeys } from "./listed-keys.js";
import type { Transformed } from "./transform-options.js";
import type { Watch } from "./watch.js";

/** Keys of a column with the vectors that their events give. */
export interface FoldedKeys {
  column: KeyColumn;
  codes: number[];
  /** [dim] a code; undefined where its events say nothing */
  vectors: (ArrayLike<number> | undefined)[];
  /** what a key without a vector does not do, after "none of these" */
  lack: string;
  numEvents: number;
  notes: string[];
}

/**
 * The keys that have a vector, as rows to write; says how many have none.
 *
 * @param file the events' paths, for messages
 * @throws {DataError} none has
 */
export function rowsOfFolded(
  { column, codes, vectors, lack, numEvents, notes }: FoldedKeys,
  dim: number,
  file: string,
  { watch, warn }: { watch: Watch; warn: (text: string) => void },
): Pick<Transformed, "encoding" | "rows"> {
  const found = codes.flatMap((code, i) => (vectors[i] ? [{ code, vector: vectors[i] }] : []));
  const without = codes.filter((_, i) => !vectors[i]);
  if (found.length === 0)
    throw new DataError(`none of ${codes.length} keys of '${column.name}' ${lack}: none gets a vector`, {
      file,
    });
  if (without.length > 0)
    warn(
      `${without.length} of ${codes.length} keys of '${column.name}' get no vector, as none of these ${lack}: ${listedKeys(without.map((code) => keyAt(column.dictionary, code)))}`,
    );
  for (const text of [...notes, `${found.length} keys of '${column.name}' from ${numEvents} events`])
    watch.observe({ stage: "note", text });
  const values = new Float32Array(found.length * dim);
  found.forEach(({ vector }, i) => values.set(vector, i * dim));
  const { bytes, offsets } = column.dictionary;
  const keyOf = (row: number) => bytes.subarray(offsets[found[row]!.code], offsets[found[row]!.code + 1]);
  return {
    encoding: { ...vectorEncoding(column.name, dim, found.length), unbiased: true },
    rows: once({ numRows: found.length, values, keyOf, labels: new Float32Array(found.length) }),
  };
}

/** The column of that name. @throws {UsageError} it is not one of keys */
export function foldedColumn(dataset: Dataset, name: string): KeyColumn {
  const column = columnNamed(dataset, name);
  if (column.kind === "key") return column;
  throw new UsageError(`--fold-in needs one '${name}' a row, but the column is numeric or several-valued`);
}
