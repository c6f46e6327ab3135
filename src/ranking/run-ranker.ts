// Creates the rankers of runs, which rank by the run's model or by the vectors of its tables alone.

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

/** Options that decide whether the run's model or the vectors of its tables rank. */
export type Scoring = "model" | "dot" | "cosine" | "context";

export interface HowToRank {
  /** `own`: the run's model ranks; for a model that cannot rank, the cosine of table rows does */
  score: Scoring | "own";
  /** name of the table whose rows rank; only for scores by a table */
  table?: string | undefined;
  /** vectors that represent a user; only for scores by a table */
  query?: Query | undefined;
  /** whether the evaluated users are new, so that folded-in vectors represent them */
  folds?: boolean;
}

/** @throws {UsageError} the run does not support this score */
export async function checkRanks(run: Run, how: HowToRank): Promise<void> {
  const score = await scoreOf(run, how);
  if (score === "model") await ranksOf(run);
  else await checkTableRanks(run, { ...how, score });
}

/** Replaces `own`, and for folded-in users also `model`, by a score that the run's model supports. */
async function scoreOf(run: Run, { score, folds = false }: HowToRank): Promise<Scoring> {
  if (score !== "own" && (score !== "model" || !folds)) return score;
  const { rank, foldedRank = score === "own" ? "cosine" : "model" } = await knownModelOf(run);
  return rank ? "model" : foldedRank;
}

/**
 * Returns the function of the run's model that ranks items.
 *
 * @throws {UsageError} the model has none; the message names runs that have one
 */
export async function ranksOf(run: Run): Promise<NonNullable<Capabilities["rank"]>> {
  const canRead = (await modelOf(run))?.preprocess;
  const instead = canRead && "--score dot or --score cosine ranks by its table";
  return await capable(run, "rank", "cannot rank items", instead);
}

/**
 * Returns the ranker of a run for a protocol, and warnings.
 *
 * @param lists items whose vectors represent each user
 * @param how.inPlace table whose rows replace those of the model
 * @param how.folded a folded-in vector for each user of the protocol, if the run does not know these users
 * @throws {UsageError} the run does not support this score
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
