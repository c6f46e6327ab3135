// Training rows → shards: each row goes to one, all rows of a user to the same. A shard numbers its features anew, so that
// parameters of features that it does not hold never travel.

import { rowsAt, firstPair, type FeatureRows } from "../../../dataset/rows.js";

/** Rows that are trained on together. */
export interface Shard {
  /** in the order of the log; their ids are numbers of this shard */
  rows: FeatureRows;
  /** u32: the feature of each such number, ascending */
  features: Uint32Array;
  /** u32: in how many of the shard's rows each of them is */
  counts: Uint32Array;
}

/** Where users are among the features. */
export interface UserFeatures {
  /** the feature of unknown users, which names none */
  unknown: number;
  /** behind the last */
  end: number;
}

/**
 * Cuts rows into shards, by a hash of their user. A row without a user goes by its number.
 *
 * @param hashes u32[numFeatures][2]: a hash of each feature's field and key
 * @returns the rows of each shard that has some, ascending; `most` shards at most
 */
export function cutRows(
  rows: FeatureRows,
  most: number,
  hashes: Uint32Array,
  users: UserFeatures | undefined,
): number[][] {
  const orders = Array.from({ length: most }, (): number[] => []);
  for (let r = 0; r < rows.numRows; r++) orders[shardOf(rows, r, most, hashes, users)]!.push(r);
  return orders.filter((order) => order.length > 0);
}

function shardOf(
  rows: FeatureRows,
  row: number,
  most: number,
  hashes: Uint32Array,
  users: UserFeatures | undefined,
): number {
  const end = users ? firstPair(rows, row + 1) : 0;
  for (let pair = firstPair(rows, row); pair < end; pair++) {
    const feature = rows.ids[pair]!;
    if (feature > users!.unknown && feature < users!.end) return hashes[2 * feature]! % most;
  }
  return row % most;
}

/** A shard of the rows at the given places. */
export function shardAt(all: FeatureRows, order: readonly number[], numFeatures: number): Shard {
  const rows = rowsAt(all, order);
  const counts = new Uint32Array(numFeatures);
  for (const id of rows.ids) counts[id]!++;
  const features: number[] = [];
  const numberOf = new Uint32Array(numFeatures);
  counts.forEach((count, feature) => {
    if (count > 0) numberOf[feature] = features.push(feature) - 1;
  });
  return {
    rows: { ...rows, ids: rows.ids.map((id) => numberOf[id]!) },
    features: Uint32Array.from(features),
    counts: Uint32Array.from(features, (feature) => counts[feature]!),
  };
}
