// Ranking metrics of a run on a log: each user's best items against what the log says the user took.

import type { Metrics } from "../embedding/manifest.js";
import type { Run } from "../embedding/run-directory.js";
import { UsageError } from "../errors.js";
import { bindEncoder } from "../dataset/rows.js";
import { historyWith, rankingQueries } from "../sampling/ranking-events.js";
import type { ScoringModel } from "../trainers/learners.js";
import type { Part } from "./examples.js";
import { readNegatives } from "./negative-file.js";
import { rankingMetricsOf } from "./ranking-metrics.js";

/**
 * The best `k` items of each user of the part; what the user has in training, or in `mask`, is left out.
 *
 * @throws {UsageError} the run does not know which items its users have
 */
export async function rankingOfRun(
  run: Run,
  model: ScoringModel,
  part: Part,
  mask: Part | undefined,
  options: { k: number; threads: number; signal: AbortSignal },
): Promise<{ metrics: Metrics; notes: string[] }> {
  const { negatives } = model.preprocess;
  if (!negatives) {
    throw new UsageError(
      `run '${run.path}' does not know which items its users have: train it with --task ranking or --negatives`,
    );
  }
  const source = await readNegatives(run);
  const contextFieldIndexes = model.space.fields.flatMap(({ name }, f) =>
    negatives.itemFields.includes(name) ? [] : [f],
  );
  const bound = ({ dataset, rows }: Part) => ({
    dataset,
    rows,
    encoder: bindEncoder(model.space, dataset),
    contextFieldIndexes,
  });
  const masked = mask ? { ...source, history: historyWith(source, bound(mask)) } : source;
  const queries = rankingQueries(masked, bound(part));
  const { unknownUsers } = queries;
  const notes = unknownUsers > 0 ? [`${unknownUsers} users have no training events and are left out`] : [];
  return { metrics: await rankingMetricsOf(model, source, queries, options), notes };
}
