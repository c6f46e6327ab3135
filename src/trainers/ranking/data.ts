// Converts ranking examples to the input of the kernel.

import type { FeatureRows } from "../../dataset/rows.js";
import type { RankingData } from "../../compute/kernels/ranking/binding.js";
import { sharedNoise, type SharedNoiseOptions } from "../../dataset/sampling/noise-distribution.js";
import type { RankingExamples } from "../../dataset/sampling/ranking-events.js";
import { NONE } from "../../training/warm-start/carried-keys.js";

/** Returns whether the user is the only feature of an event's context, and an item's key the item's only feature. */
export function isMatrix({ source, train }: RankingExamples): boolean {
  const isSingle = (rows: FeatureRows) => rows.width === 1 && !rows.indptr && !rows.values;
  return isSingle(train.context) && isSingle(source.templates);
}

export function rankingData(
  numFeatures: number,
  { source, train }: RankingExamples,
  how: SharedNoiseOptions & { layers: number; propagate: "during" | "after" },
): RankingData {
  const { templates, history, items } = source;
  const { layers, propagate } = how;
  return {
    numFeatures,
    context: train.context,
    templates,
    users: train.users,
    items: train.items,
    weights: train.weights,
    numItems: items.size,
    history,
    ...sharedNoise(source.counts, how),
    ...(layers > 0 && {
      graph: { layers, through: propagate === "during", ...graphOf(numFeatures, { source, train }) },
    }),
  };
}

/**
 * Returns the graph of users and items that training events join, by feature; an event's context and item are one
 * feature each.
 */
function graphOf(
  numFeatures: number,
  { source, train }: RankingExamples,
): { ends: Uint32Array; neighbors: Uint32Array } {
  const users = userFeatures({ source, train });
  const { indptr, items } = source.history;
  const forEachPair = (each: (user: number, item: number) => void) =>
    users.forEach((user, u) => {
      if (user === NONE) return;
      for (let i = indptr[u]!; i < indptr[u + 1]!; i++) each(user, source.templates.ids[items[i]!]!);
    });
  const ends = new Uint32Array(numFeatures + 1);
  forEachPair((user, item) => {
    ends[user + 1]!++;
    ends[item + 1]!++;
  });
  for (let f = 0; f < numFeatures; f++) ends[f + 1]! += ends[f]!;
  const at = ends.slice();
  const neighbors = new Uint32Array(ends[numFeatures]!);
  forEachPair((user, item) => {
    neighbors[at[user]!++] = item;
    neighbors[at[item]!++] = user;
  });
  return { ends, neighbors };
}

/** Returns u32: the feature of each user, by its number in `source`; NONE for a user without a training event. */
export function userFeatures({ source, train }: RankingExamples): Uint32Array {
  const features = new Uint32Array(source.history.indptr.length - 1).fill(NONE);
  const { users, featureOfUser, context } = train;
  users.forEach((user, e) => {
    if (user < features.length) features[user] = featureOfUser ? featureOfUser[user]! : context.ids[e]!;
  });
  return features;
}
