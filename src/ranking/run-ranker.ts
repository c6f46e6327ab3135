// What ranks the items of a protocol: a run by its model, or by its tables alone.

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

/** How a run ranks: by its model, or by the vectors of its tables alone. */
export type Scoring = "model" | "dot" | "cosine" | "context";

export interface HowToRank {
  /** own: each run by its model, or by the cosines of its table where the model ranks nothing */
  score: Scoring | "own";
  /** by its name, for a scoring by a table alone */
  table?: string | undefined;
  /** likewise: what users are asked by */
  query?: Query | undefined;
  /** users are new, and asked by what each run folds them into */
  folds?: boolean;
}

/** @throws {UsageError} the run cannot rank in that way */
export async function checkRanks(run: Run, how: HowToRank): Promise<void> {
  const score = await scoreOf(run, how);
  if (score === "model") await ranksOf(run);
  else await checkTableRanks(run, { ...how, score });
}

/** How a run ranks: folded-in users, and each run its own way, by its table where its model ranks nothing. */
async function scoreOf(run: Run, { score, folds = false }: HowToRank): Promise<Scoring> {
  if (score !== "own" && (score !== "model" || !folds)) return score;
  const { rank, foldedRank = score === "own" ? "cosine" : "model" } = await knownModelOf(run);
  return rank ? "model" : foldedRank;
}

/** How a run's model ranks. @throws {UsageError} it does not; says what does */
export async function ranksOf(run: Run): Promise<NonNullable<Capabilities["rank"]>> {
  const canRead = (await modelOf(run))?.preprocess;
  const instead = canRead && "--score dot or --score cosine ranks by its table";
  return await capable(run, "rank", "cannot rank items", instead);
}

/**
 * What ranks by a run, and what is to be said of it.
 *
 * @param lists the items of each user's query
 * @param how.inPlace rows that the model takes in place of its own
 * @param how.folded a vector for each user of the protocol, whom the run does not know
 * @throws {UsageError} the run cannot rank in that way
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
