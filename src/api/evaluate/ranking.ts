// Evaluates runs and baselines by the items that they rank for the users of a log.

import type { Contestant } from "../../training/judging/evaluate-scores.js";
import { UsageError } from "../../errors.js";
import { measureRankings, type MeasuredRankings } from "../../ranking/measure.js";
import type { Watch } from "../../training/session/watch.js";
import type { Evaluating } from "./options.js";

/** @throws {UsageError} the errors of measureRankings, or --table is set although the run's model ranks */
export async function evaluateRanking(
  runs: readonly Contestant[],
  options: Evaluating,
  watch: Watch,
): Promise<MeasuredRankings & { given: Record<string, unknown> }> {
  if (options.table !== undefined && (options.score ?? "model") === "model")
    throw new UsageError("--table needs --score dot or cosine: a model uses its own tables");
  const { on, part, mask, k = [20], repeats, candidates, baseline: baselines, score: scoring } = options;
  const { query, queryHalfLife, foldInShare } = options;
  const ranking = { mask, repeats, candidates, foldInShare, baselines, scoring, query, queryHalfLife };
  return { ...(await measureRankings(runs, options, watch)), given: { on, part, ...ranking, k } };
}
