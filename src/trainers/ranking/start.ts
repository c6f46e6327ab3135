// --start svd: first vectors from the singular vectors of the degree-normalised matrix of users and items
// (training/warm-start/degree-vectors.ts).
//
// Cosines trained from there rank better after as many epochs than from random vectors (docs/algorithms/ranking.md has figures).

import type { RankingExamples } from "../../sampling/ranking-events.js";
import { degreeVectors } from "../../training/warm-start/degree-vectors.js";
import { NONE } from "../../training/warm-start/key-history.js";
import type { Start } from "../../training/warm-start/start.js";
import { userFeatures } from "./data.js";
import type { RankingOptions } from "./options.js";

/** First vectors of all users and items with events; features beside them stay as they are drawn. */
export async function svdStart(
  numFeatures: number,
  examples: RankingExamples,
  { dim, seed, threads }: Pick<RankingOptions, "dim" | "seed" | "threads">,
  signal?: AbortSignal,
): Promise<Start> {
  const { history, templates, items } = examples.source;
  const found = await degreeVectors(history, items.size, { dim, seed, threads }, signal);
  const vectors = new Float32Array(numFeatures * dim);
  const known = new Uint8Array(numFeatures);
  const put = (feature: number, from: Float32Array, row: number) => {
    const v = from.subarray(row * dim, (row + 1) * dim);
    if (v.every((x) => x === 0)) return;
    vectors.set(v, feature * dim);
    known[feature] = 1;
  };
  userFeatures(examples).forEach((feature, user) => {
    if (feature !== NONE) put(feature, found.users, user);
  });
  for (let item = 0; item < items.size; item++) put(templates.ids[item]!, found.items, item);
  return { known, w0: 0, w: new Float32Array(numFeatures), vectors, freezes: false };
}
