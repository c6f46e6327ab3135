// Ranking examples as the kernel takes them.

import type { FeatureRows } from "../../dataset/rows.js";
import { log } from "../../numeric/exp.js";
import type { RankingData } from "../../kernels/ranking/binding.js";
import { aliasTable } from "../../numeric/alias.js";
import { noiseDistribution, type Noise } from "../../sampling/noise-distribution.js";
import type { RankingExamples } from "../../sampling/ranking-events.js";

/** Whether events have their user alone for a context, and items their own key alone for a feature. */
export function isMatrix({ source, train }: RankingExamples): boolean {
  const isSingle = (rows: FeatureRows) => rows.width === 1 && !rows.indptr && !rows.values;
  return isSingle(train.context) && isSingle(source.templates);
}

/** @param noise what negatives are drawn by; uniform draws need no table, and their chances cancel */
export function rankingData(
  numFeatures: number,
  { source, train }: RankingExamples,
  noise: Noise,
): RankingData {
  const { templates, history, items } = source;
  const data = {
    numFeatures,
    context: train.context,
    templates,
    users: train.users,
    items: train.items,
    ...(train.weights && { weights: train.weights }),
    numItems: items.size,
    history,
  };
  if (noise === "uniform") return data;
  const cumulative = noiseDistribution(source.counts, noise);
  const chances = cumulative.map((end, i) => end - (i === 0 ? 0 : cumulative[i - 1]!));
  return {
    ...data,
    alias: aliasTable(chances),
    logNoise: Float32Array.from(chances, (chance) => log(chance)),
  };
}
