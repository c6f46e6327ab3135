// Holds out whole items: none of their events is in the training split, which imitates new items.
//
//   newest   items by the time of their first event, then by their key's bytes: the test split has the last share of
//            them, the validation split the share before
//   hash     if a row has no time: by a hash of the seed and the item's key

import { ascending, mapTo, thoseOf } from "../../numeric/indices.js";
import { MISSING, compareKeys } from "../../log/keys.js";
import { UsageError } from "../../errors.js";
import { hashBytes } from "../../numeric/hash.js";
import { columnNamed, type Dataset, type KeyColumn } from "../dataset.js";
import type { Parts } from "./parts.js";

/**
 * Given n items with events, the first floor(n (1 - valid - test)) are for training, those up to floor(n (1 - test))
 * for validation, and the rest for the test. Rows without an item are in the training split.
 *
 * @returns rows of each split in the log's order, and a sentence on how they were made
 * @throws {UsageError} there is no item column, or it does not hold keys
 */
export function splitItems(
  dataset: Dataset,
  { valid, test, seed }: { valid: number; test: number; seed: number },
): Parts {
  const { item } = dataset.roles;
  const column = item === undefined ? undefined : columnNamed(dataset, item);
  if (column?.kind !== "key")
    throw new UsageError("--split items needs an item column with one item per row: name it with --item");
  const { codes, dictionary } = column;
  const first = firstTimes(dataset, column);
  const hashes = first ? undefined : hashesOf(column, seed);
  const orderOf = first ?? hashes!;
  const present = new Uint8Array(dictionary.size);
  for (const code of codes) if (code !== MISSING) present[code] = 1;
  const items = thoseOf(ascending(present.length), (code) => present[code] === 1).sort(
    (a, b) => orderOf[a]! - orderOf[b]! || compareKeys(dictionary, a, b),
  );

  const n = items.length;
  const testFrom = Math.floor(n * (1 - test));
  const validFrom = Math.max(0, Math.floor(n * (1 - valid - test)));
  const partOf = new Uint8Array(dictionary.size);
  for (let i = validFrom; i < n; i++) partOf[items[i]!] = i < testFrom ? 1 : 2;
  const rowsIn = (part: number): Uint32Array =>
    thoseOf(ascending(codes.length), (row) => (codes[row] === MISSING ? 0 : partOf[codes[row]!]) === part);
  const held = [
    ...(testFrom > validFrom ? [`${testFrom - validFrom} for validation`] : []),
    ...(n > testFrom ? [`${n - testFrom} for the test`] : []),
  ];
  const how = first
    ? `the newest by first event, starting at ${new Date(first[items[validFrom]!]!).toISOString()}`
    : "by a hash of their keys, because the log has no times";
  return {
    train: rowsIn(0),
    valid: rowsIn(1),
    test: rowsIn(2),
    ...(validFrom < n && { note: `--split items holds out ${held.join(" and ")} of ${n} items: ${how}` }),
  };
}

/** Returns f64[dictionary.size]: time of each item's first event in milliseconds; undefined if a row has no time. */
function firstTimes(dataset: Dataset, { codes, dictionary }: KeyColumn): Float64Array | undefined {
  const { time } = dataset.roles;
  const column = time === undefined ? undefined : columnNamed(dataset, time);
  if (column?.kind !== "number") return undefined;
  const { values } = column;
  const first = new Float64Array(dictionary.size).fill(Infinity);
  for (let row = 0; row < codes.length; row++) {
    if (Number.isNaN(values[row]!)) return undefined;
    if (codes[row] !== MISSING) first[codes[row]!] = Math.min(first[codes[row]!]!, values[row]!);
  }
  return first;
}

/** Returns f64[dictionary.size]: a hash of each key as a fraction of 53 bits. */
function hashesOf({ dictionary: { bytes, offsets, size } }: KeyColumn, seed: number): Float64Array {
  return mapTo(Float64Array, { length: size }, (_, code) => {
    const { hi, lo } = hashBytes(bytes, offsets[code]!, offsets[code + 1]!, { lo: seed, hi: ~seed });
    return (hi * 2 ** 21 + (lo >>> 11)) / 2 ** 53;
  });
}
