// Runs and baselines evaluated by the items that they rank for users of a log.

import { measureRankings, type RankingResult } from "../../ranking/measure.js";
import type { Contestant } from "../../training/judging/scored.js";
import type { Watch } from "../../training/session/watch.js";
import { checkRanking, type EvaluateOptions } from "./options.js";

/** @throws {UsageError} as measureRankings, or options of scored rows */
export async function evaluateRanking(
  runs: readonly Contestant[],
  options: EvaluateOptions,
  watch: Watch,
): Promise<RankingResult & { given: Record<string, unknown> }> {
  checkRanking(options);
  const { on, part, mask, k = [20], repeats, candidates, baseline: baselines, score: scoring } = options;
  const { query, queryHalfLife, foldInShare } = options;
  const ranking = { mask, repeats, candidates, foldInShare, baselines, scoring, query, queryHalfLife };
  return { ...(await measureRankings(runs, options, watch)), given: { on, part, ...ranking, k } };
}
