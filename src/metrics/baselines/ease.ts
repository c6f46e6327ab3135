// EASE: item-to-item weights that reproduce the events with the least squared error, without a weight from an item to
// itself.
//
//   X   events, users x items, 0 and 1         G = X'X + l2 I        P = G^-1
//   B_ij = -P_ij / P_jj, B_jj = 0              score(u, j) = sum over i of u's query of w_i B_ij
//
// For n items, the inverse takes 4 n^2 bytes and n^3 / 2 multiply-adds.
//
// Source: Steck 2019 (arXiv:1905.03375), eq. 8.

import { mapTo } from "../../base/numeric/indices.js";
import { UsageError } from "../../base/errors.js";
import { invertPositive } from "../../compute/solvers/inverse.js";
import { pace } from "../pace.js";
import { scoreRanker, type RankerFor } from "../rankers.js";
import type { AskedUsers, Baseline, BaselineInput, BaselineOptions } from "./input.js";
import { ownersOf } from "./item-cf.js";

/** Default penalty, the middle of the range in the paper on EASE (Steck 2019). */
const EASE_L2 = 500;

export const baseline: Baseline = {
  ranker: easeRanker,
  check: ({ counts }) => {
    checkEase(counts.length);
    return [];
  },
};

/** Maximum number of items; the inverse for more would take too much memory and time. */
const MOST_ITEMS = 20_000;

async function easeRanker(
  { history, counts }: BaselineInput,
  { easeL2 = EASE_L2, threads, signal, note, timeLeft }: BaselineOptions,
): Promise<RankerFor<AskedUsers>> {
  const n = counts.length;
  checkEase(n);
  note?.(`ease: inverts a matrix of ${n} x ${n} items, ${((4 * n ** 2) / 1e9).toFixed(2)} GB`);
  const { indptr, items } = history;
  const owners = ownersOf(history, n);
  // computes row i of the matrix to invert: the number of users who have both i and another item, plus the penalty for
  // i
  const inverse = await invertPositive(
    n,
    (i, row) => {
      for (let o = owners.indptr[i]!; o < owners.indptr[i + 1]!; o++) {
        const user = owners.items[o]!;
        for (let at = indptr[user]!; at < indptr[user + 1]!; at++) row[items[at]!]!++;
      }
      row[i]! += easeL2;
    },
    { threads, signal, swept: pace("ease: inverting the matrix", note, timeLeft) },
  );
  const diagonal = mapTo(Float64Array, { length: n }, (_, i) => inverse.row(i)[i]!);
  return ({ queries }) =>
    scoreRanker(n, (query, scores) => {
      scores.fill(0);
      for (let at = queries.indptr[query]!; at < queries.indptr[query + 1]!; at++) {
        const item = queries.items[at]!;
        const weight = queries.weights?.[at] ?? 1;
        const row = inverse.row(item);
        for (let j = 0; j < n; j++) scores[j]! -= weight * row[j]!;
        // removes the term of the item itself, because the weight from an item to itself is 0
        scores[item]! += weight * row[item]!;
      }
      for (let j = 0; j < n; j++) scores[j]! /= diagonal[j]!;
    });
}

function checkEase(numItems: number): void {
  if (numItems <= MOST_ITEMS) return;
  throw new UsageError(
    `the baseline ease inverts a ${numItems} x ${numItems} matrix (${((4 * numItems ** 2) / 1e9).toFixed(1)} ` +
      `GB) and supports at most ${MOST_ITEMS} items: omit ease`,
  );
}
