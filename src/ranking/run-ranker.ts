// Creates rankers of runs, which rank by the run's model, or by the vectors of its tables alone.

import type { Run } from "../embedding/run-directory.js";
import type { EmbeddingTable } from "../embedding/table.js";
import type { QueryItems } from "../evaluation/baselines/input.js";
import type { Ranker } from "../evaluation/rankers.js";
import { capable, knownModelOf, modelOf } from "../trainers/index.js";
import type { Capabilities } from "../training/capabilities/model.js";
import type { UserVectors } from "../training/judging/ranked-items.js";
import type { Query } from "./query.js";
import type { RankingProtocol } from "./protocol.js";
import { checkTableRanks, tableRanker } from "./table-ranker.js";

/** Scores of items: by the run's model, or by the vectors of its tables alone. */
export type Scoring = "model" | "dot" | "cosine" | "context";

export interface HowToRank {
  /** score of items; `own` is the model, or the cosine of table rows for runs whose model cannot rank */
  score: Scoring | "own";
  /** name of the table; only for scores by table rows */
  table?: string | undefined;
  /** representation of users; only for scores by table rows */
  query?: Query | undefined;
  /** true if users are new, and represented by folded-in vectors */
  folds?: boolean;
}

/** Checks that a run can rank. @throws {UsageError} the run cannot rank with this score */
export async function checkRanks(run: Run, how: HowToRank): Promise<void> {
  const score = await scoreOf(run, how);
  if (score === "model") await ranksOf(run);
  else await checkTableRanks(run, { ...how, score });
}

/** Replaces the score `own`, and for folded-in users `model`, by a score that the run's model supports. */
async function scoreOf(run: Run, { score, folds = false }: HowToRank): Promise<Scoring> {
  if (score !== "own" && (score !== "model" || !folds)) return score;
  const { rank, foldedRank = score === "own" ? "cosine" : "model" } = await knownModelOf(run);
  return rank ? "model" : foldedRank;
}

/**
 * Returns the ranking function of a run's model.
 *
 * @throws {UsageError} it has none; the message lists models that have one
 */
export async function ranksOf(run: Run): Promise<NonNullable<Capabilities["rank"]>> {
  const canRead = (await modelOf(run))?.preprocess;
  const instead = canRead && "--score dot or --score cosine ranks by its table";
  return await capable(run, "rank", "cannot rank items", instead);
}

/**
 * Creates the ranker of a run for a protocol, and returns its warnings.
 *
 * @param lists items that represent each user
 * @param how.inPlace table that replaces the model's rows
 * @param how.folded vectors of the protocol's users if the run does not know them
 * @throws {UsageError} the run cannot rank with this score
 */
export async function rankerOfRun(
  run: Run,
  protocol: RankingProtocol,
  lists: QueryItems,
  how: HowToRank & { inPlace?: EmbeddingTable | undefined; folded?: UserVectors | undefined },
): Promise<{ ranker: Ranker; warnings: string[] }> {
  const { inPlace, folded } = how;
  const score = await scoreOf(run, how);
  if (score !== "model") return await tableRanker(run, protocol, lists, { ...how, score });
  const { training, users } = protocol;
  const rankerFor = await (await ranksOf(run))(run, training, inPlace);
  return { ranker: await rankerFor({ users, folded }), warnings: [] };
}
