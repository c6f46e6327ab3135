// Ranks items with a network. It has no vectors to search, so every item is scored for every user.
//
//   a block of users x all items ──► rows ──► the network's scores ──► the best of each user

import { ownersOfItems } from "../../dataset/sampling/negatives.js";
import { type FeatureRows, joinedRows } from "../../dataset/rows.js";
import type { EmbeddingTable } from "../../table/table.js";
import type { Run } from "../../table/run-directory.js";
import { topByScores, type Ranker, type RankerFor } from "../../metrics/rankers.js";
import { rankedItems, type RankedKeys, type RankedUsers } from "../../training/split-metrics/ranked-items.js";
import { readSpace } from "../../training/capabilities/run-space.js";
import { readNetParameters, startScoring } from "./model.js";

/** Number of rows that are scored at once; at least the rows of one user with every item. */
const BLOCK_ROWS = 65536;

type ScorePairs = (queries: Uint32Array, items: Uint32Array) => Promise<Float32Array>;

/** Ranks items by the score of a row that joins the user and the item. @throws {UsageError} the run stores no items */
export async function rankByNetwork(
  run: Run,
  keys: RankedKeys,
  inPlace?: EmbeddingTable,
): Promise<RankerFor<RankedUsers>> {
  const { preprocess, table, space } = await readSpace(run);
  const network = await readNetParameters(run, space, inPlace ?? table);
  const { contextsOf, items, isKnown } = await rankedItems(run, { space, preprocess }, keys);
  const withScores = async <R>(
    contexts: FeatureRows,
    threads: number,
    use: (score: ScorePairs) => Promise<R>,
  ): Promise<R> => {
    const { machine, toNetRows } = await startScoring(space, network, threads);
    try {
      return await use((queries, places) =>
        machine.score(toNetRows(joinedRows(contexts, queries, items, places))),
      );
    } finally {
      await machine.terminate();
    }
  };
  const rankerOf = (contexts: FeatureRows): Ranker => ({
    top: (masks, top, { threads, signal, progress }) =>
      withScores(contexts, threads, async (score) => {
        const fill = allItems(score, contexts, items, isKnown);
        return await topByScores(masks, top, new Float64Array(items.numRows), fill, signal, progress);
      }),
    score: (lists, { threads, signal }) =>
      withScores(contexts, threads, async (score) => {
        const { items: listed } = lists;
        const queries = ownersOfItems(lists);
        const scores = new Float64Array(listed.length);
        for (let from = 0; from < listed.length; from += BLOCK_ROWS) {
          signal?.throwIfAborted();
          const end = Math.min(from + BLOCK_ROWS, listed.length);
          scores.set(await score(queries.subarray(from, end), listed.subarray(from, end)), from);
        }
        return scores.map((x, at) => (isKnown(listed[at]!) ? x : -Infinity));
      }),
  });
  return ({ users }) => rankerOf(contextsOf(users));
}

function allItems(
  score: ScorePairs,
  { numRows: numQueries }: FeatureRows,
  { numRows: numItems }: FeatureRows,
  isKnown: (item: number) => boolean,
): (query: number, scores: Float64Array) => Promise<void> {
  const size = Math.max(1, Math.floor(BLOCK_ROWS / numItems));
  const places = Uint32Array.from({ length: size * numItems }, (_, row) => row % numItems);
  let first = 0;
  let block: Float32Array = new Float32Array();
  return async (query, scores) => {
    if (query < first || query >= first + block.length / numItems) {
      first = query;
      const queries = new Uint32Array(Math.min(size, numQueries - first) * numItems);
      for (let row = 0; row < queries.length; row++) queries[row] = first + Math.floor(row / numItems);
      block = await score(queries, places.subarray(0, queries.length));
    }
    const start = (query - first) * numItems;
    for (let item = 0; item < numItems; item++)
      scores[item] = isKnown(item) ? block[start + item]! : -Infinity;
  };
}
