// From one training to the next: when each key of the table was last seen.

import { newestEvent, newestTimes, NEVER } from "../../dataset/vocabulary/last-seen.js";
import type { Dataset } from "../../dataset/dataset.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { UNKNOWN, type KeyHistory } from "../../embedding/key-history.js";
import { tableFeatures } from "../examples/feature-table.js";

/** No feature of an earlier space. */
export const NONE = 0xffffffff;

/** A history by feature in place of by row; features that are no rows are UNKNOWN, and not missed. */
export function byFeature(space: FeatureSpace, { lastSeen, missed }: KeyHistory): KeyHistory {
  const all = {
    lastSeen: new BigInt64Array(space.numFeatures).fill(UNKNOWN),
    missed: new Uint32Array(space.numFeatures),
  };
  tableFeatures(space).forEach((feature, row) => {
    all.lastSeen[feature] = lastSeen[row]!;
    all.missed[feature] = missed[row]!;
  });
  return all;
}

/**
 * The history of a run's rows.
 *
 * @param before by feature of the earlier run's space
 * @param from   u32[numFeatures]: each feature's in the earlier space, or NONE; absent without an earlier run
 */
export function nextHistory(
  space: FeatureSpace,
  dataset: Dataset,
  before: KeyHistory = { lastSeen: new BigInt64Array(), missed: new Uint32Array() },
  from?: Uint32Array,
): KeyHistory {
  const hasTimes = newestEvent(dataset) !== undefined;
  const features = tableFeatures(space);
  const next = { lastSeen: new BigInt64Array(features.length), missed: new Uint32Array(features.length) };
  // nothing is known of keys of a first log without times
  if (!hasTimes && !from) return { ...next, lastSeen: next.lastSeen.fill(UNKNOWN) };
  const seen = newestTimes(space, dataset);
  features.forEach((feature, row) => {
    const earlier = from?.[feature] ?? NONE;
    const last = earlier === NONE ? UNKNOWN : before.lastSeen[earlier]!;
    const isSeen = seen[feature] !== NEVER;
    const now = isSeen && hasTimes ? BigInt(Math.trunc(seen[feature]!)) : UNKNOWN;
    next.lastSeen[row] = now > last ? now : last;
    next.missed[row] = isSeen || earlier === NONE ? 0 : before.missed[earlier]! + 1;
  });
  return next;
}
