// Ranking examples as the kernel takes them.

import type { FeatureRows } from "../../dataset/rows.js";
import { log } from "../../numeric/exp.js";
import type { RankingData } from "../../kernels/ranking/binding.js";
import { aliasTable } from "../../numeric/alias.js";
import { noiseDistribution, type Noise } from "../../sampling/noise-distribution.js";
import type { RankingExamples } from "../../sampling/ranking-events.js";
import { NONE } from "../../training/key-history.js";

/** Whether events have their user alone for a context, and items their own key alone for a feature. */
export function isMatrix({ source, train }: RankingExamples): boolean {
  const isSingle = (rows: FeatureRows) => rows.width === 1 && !rows.indptr && !rows.values;
  return isSingle(train.context) && isSingle(source.templates);
}

/** How negatives are drawn, and what follows of it. */
export interface NoiseOptions {
  /** uniform draws need no table */
  noise: Noise;
  negatives: number;
  inBatch: boolean;
  batchSize: number;
  logQ: boolean;
}

export function rankingData(
  numFeatures: number,
  { source, train }: RankingExamples,
  how: NoiseOptions & { layers: number; propagate: "during" | "after" },
): RankingData {
  const { templates, history, items } = source;
  const { layers, propagate } = how;
  const data: RankingData = {
    numFeatures,
    context: train.context,
    templates,
    users: train.users,
    items: train.items,
    ...(train.weights && { weights: train.weights }),
    numItems: items.size,
    history,
  };
  const drawn = how.noise === "uniform" ? undefined : chancesOf(noiseDistribution(source.counts, how.noise));
  const chances = how.logQ ? amongNegatives(drawn, source.counts, how) : undefined;
  return {
    ...data,
    ...(drawn && { alias: aliasTable(drawn) }),
    ...(chances && { logNoise: Float32Array.from(chances, (chance) => log(chance)) }),
    ...(layers > 0 && {
      graph: { layers, through: propagate === "during", ...graphOf(numFeatures, { source, train }) },
    }),
  };
}

function chancesOf(cumulative: Float64Array): Float64Array {
  return cumulative.map((end, i) => end - (i === 0 ? 0 : cumulative[i - 1]!));
}

/**
 * Each item's chance of being a negative: a mixture of draws and of a batch's own items; undefined where all are the same, as they
 * cancel. Source: Yang et al. 2020 (doi:10.1145/3366424.3386195), eq. 4.
 *
 * @param drawn f64[I]: undefined for uniform draws
 */
function amongNegatives(
  drawn: Float64Array | undefined,
  counts: Uint32Array,
  { negatives, inBatch, batchSize }: NoiseOptions,
): Float64Array | undefined {
  if (!inBatch) return drawn;
  const events = counts.reduce((sum, count) => sum + count, 0);
  const own = batchSize / (batchSize + negatives);
  return Float64Array.from(
    counts,
    (count, i) => (own * count) / events + (1 - own) * (drawn ? drawn[i]! : 1 / counts.length),
  );
}

/** Users and items that the training joins, by feature; an event's context and item are one feature each. */
export function graphOf(
  numFeatures: number,
  { source, train }: RankingExamples,
): { ends: Uint32Array; neighbours: Uint32Array } {
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
  const neighbours = new Uint32Array(ends[numFeatures]!);
  forEachPair((user, item) => {
    neighbours[at[user]!++] = item;
    neighbours[at[item]!++] = user;
  });
  return { ends, neighbours };
}

/** The feature of each user of the training part, by the source's number; NONE for one without an event that is learned from. */
export function userFeatures({ source, train }: RankingExamples): Uint32Array {
  const features = new Uint32Array(source.history.indptr.length - 1).fill(NONE);
  train.users.forEach((user, e) => {
    if (user < features.length) features[user] = train.context.ids[e]!;
  });
  return features;
}
