// --start svd: first vectors from the singular vectors of the degree-normalised matrix of users and items.
//
//   R = D_u^-1/2 W D_i^-1/2 ~ U S V'       W  1 where an event joins user and item       D  its rows' and columns' sums
//   user  U S^1/2, item  V S^1/2, each over its length
//
// Cosines trained from there rank better after as many epochs than from random vectors (docs/algorithms/ranking.md has figures).

import { transpose } from "../../dataset/interactions.js";
import { degreeNormalised } from "../../solvers/svd/matrix.js";
import { truncatedSvd } from "../../solvers/svd/truncated-svd.js";
import type { RankingExamples } from "../../sampling/ranking-events.js";
import { NONE } from "../../training/key-history.js";
import type { Start } from "../../training/start.js";
import { userFeatures } from "./data.js";
import type { RankingOptions } from "./options.js";

/** Rows are a start: their last digits do not matter. */
const TOLERANCE = 0.1;

/** First vectors of all users and items with events; features beside them stay as they are drawn. */
export async function svdStart(
  numFeatures: number,
  examples: RankingExamples,
  { dim, seed, threads }: Pick<RankingOptions, "dim" | "seed" | "threads">,
  signal?: AbortSignal,
): Promise<Start> {
  const { history, templates, items } = examples.source;
  const rows = { indptr: history.indptr, indices: history.items };
  const matrix = degreeNormalised(rows, transpose(rows, items.size));
  const found = await truncatedSvd(matrix, { dim, tolerance: TOLERANCE, seed, threads }, signal);
  const vectors = new Float32Array(numFeatures * dim);
  const known = new Uint8Array(numFeatures);
  const roots = found.singularValues.map(Math.sqrt);
  const put = (feature: number, from: Float32Array, row: number) => {
    const v = vectors.subarray(feature * dim, (feature + 1) * dim);
    let squares = 0;
    for (let d = 0; d < found.dim; d++) squares += (v[d] = from[row * found.dim + d]! * roots[d]!) ** 2;
    if (squares === 0) return;
    const length = Math.sqrt(squares);
    for (let d = 0; d < found.dim; d++) v[d]! /= length;
    known[feature] = 1;
  };
  userFeatures(examples).forEach((feature, user) => {
    if (feature !== NONE) put(feature, found.left, user);
  });
  for (let item = 0; item < items.size; item++) put(templates.ids[item]!, found.right, item);
  return { known, w0: 0, w: new Float32Array(numFeatures), vectors, freezes: false };
}
