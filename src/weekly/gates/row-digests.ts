// Digests of the rows of days, by which a later log is found to contain the same days.

import type { Column } from "../../dataset/dataset.js";
import type { EncodedDataset } from "../../dataset/encoded/read.js";
import { MISSING, type Keys } from "../../log/keys.js";
import { finish, hashBytes, mixWord } from "../../base/numeric/hash.js";
import { dayGroups, factsOf } from "./group-facts.js";

export interface Day {
  /** such as 2026-01-05, in UTC */
  name: string;
  /** hash of the day's rows; it depends neither on their order nor on the rest of the log */
  digest: string;
}

/** Returns the days that have events and end after a time, in milliseconds since 1970; none in a log without times. */
export function daysAfter(encoded: EncodedDataset, after: number): Day[] {
  const { dataset } = encoded;
  const days = dayGroups(dataset, factsOf(encoded, undefined).newest, after);
  const fresh = days?.groups.filter(({ isNew, start, end }) => isNew && end > start) ?? [];
  if (fresh.length === 0) return [];
  const first = fresh[0]!.start;
  const hashes = new Int32Array(fresh.at(-1)!.end - first);
  for (const column of dataset.columns) {
    const hashOf = cellHashes(column);
    for (let i = 0; i < hashes.length; i++) {
      const row = days!.order ? days!.order[first + i]! : first + i;
      hashes[i] = mixWord(hashes[i]!, hashOf(row));
    }
  }
  return fresh.map(({ name, start, end }) => {
    // two sums of the rows' hashes do not depend on the order of the rows
    let [a, b] = [0, 0];
    for (const hash of hashes.subarray(start - first, end - first)) {
      a = (a + finish(hash)) | 0;
      b = (b + finish(~hash)) | 0;
    }
    return { name, digest: `${end - start}:${a >>> 0}:${b >>> 0}` };
  });
}

const SEED = { lo: 0, hi: 0 };

/** Returns a function from a row to a hash of its cell; it does not depend on the codes of the dictionary. */
function cellHashes(column: Column): (row: number) => number {
  if (column.kind === "number") {
    const [cell, bytes] = numberBytes();
    return (row) => {
      cell[0] = column.values[row]!;
      return hashBytes(bytes, 0, bytes.length, SEED).lo;
    };
  }
  const { codes } = column;
  const keys = keyHashes(column.dictionary);
  if (column.kind === "key") return (row) => (codes[row] === MISSING ? 0 : keys[codes[row]!]!);
  const { indptr, values } = column;
  return (row) => {
    const code = codes[row]!;
    return code === MISSING
      ? 0
      : values.subarray(indptr[code]!, indptr[code + 1]!).reduce((sum, value) => (sum + keys[value]!) | 0, 1);
  };
}

function numberBytes(): [Float64Array, Uint8Array] {
  const cell = new Float64Array(1);
  return [cell, new Uint8Array(cell.buffer)];
}

function keyHashes({ size, bytes, offsets }: Keys): Uint32Array {
  return Uint32Array.from(
    { length: size },
    (_, key) => hashBytes(bytes, offsets[key]!, offsets[key + 1]!, SEED).lo,
  );
}
