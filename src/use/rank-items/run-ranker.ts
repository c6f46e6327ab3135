// Creates rankers of runs, which rank by the run's model, or by the vectors of its tables alone.

import type { Run } from "../../table/run-directory.js";
import { keysOfRows, rowsOf, zeroRows, type EmbeddingTable } from "../../table/table.js";
import type { QueryItems } from "../../metrics/baselines/input.js";
import { vectorRanker, type Ranker } from "../../metrics/rankers.js";
import { capable, knownModelOf, modelOf } from "../../trainers/index.js";
import type { Capabilities } from "../../training/capabilities/model.js";
import { foldedQueries, rowsOfKeys, type UserVectors } from "../../training/split-metrics/ranked-items.js";
import type { Query } from "./query.js";
import type { RankingProtocol } from "./protocol.js";
import { selectKeys, type Keys } from "../../log/keys.js";
import { rowsWithAdded } from "../../table/added.js";
import { keyedRows, vectorsOfRows, type KeyedRows } from "../../table/rows.js";
import { UsageError, excerpt } from "../../base/errors.js";
import { unitRows } from "../../table/retrieval/nearest.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";

export type Scoring = "model" | "dot" | "cosine" | "context";

interface HowToRank {
  /** score of items; `own` is the model, or the cosine of table rows for runs whose model cannot rank */
  score: Scoring | "own";
  table?: string | undefined;
  query?: Query | undefined;
  /** true if users are new, and represented by folded-in vectors */
  folds?: boolean;
}

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

/** Returns the ranking function of a run's model. @throws {UsageError} it has none; the message lists models with one */
export async function ranksOf(run: Run): Promise<NonNullable<Capabilities["rank"]>> {
  const canRead = (await modelOf(run))?.preprocess;
  const instead = canRead && "--score dot or --score cosine ranks by its table";
  return await capable(run, "rank", "cannot rank items", instead);
}

/** @param how.inPlace replaces the model's rows @param how.folded vectors of users whom the run does not know */
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

// Ranks items by the rows of a run's tables.
//
//   q   query of a user: the user's row, or the sum of the rows of the user's items
//   v   an item's row
//
//   dot      q . v
//   cosine   the dot product of rows scaled to length 1, so that q has the direction of the mean of its items
//   context  q . z, where z is the item's row in the table of contexts; high if the item often occurs near the user's
//            items
//
// The length of q does not change the order, so a sum ranks like a mean.

interface ByTable {
  score: "dot" | "cosine" | "context";
  /** name of the table; the default table for the score `context` */
  table?: string | undefined;
  /** representation of users; by default their rows if the table has users, otherwise their histories */
  query?: Query | undefined;
  /** vectors of users without a row, used in place of rows and histories */
  folded?: UserVectors | undefined;
}

/** @throws {UsageError} the tables lack rows of items, of users for --query user, or of contexts */
export async function checkTableRanks(run: Run, { score, table, query }: ByTable): Promise<void> {
  if (score === "context") await contextsOf(run);
  const fields = await run.withRows(table, (rows) => Promise.resolve(rows.fields));
  const { user, item } = fieldsOf(run);
  const has = `its table has ${fields.map(excerpt).join(", ")}`;
  const others = run.tables.length > 1 ? `; --table names one of ${run.tables.map(excerpt).join(", ")}` : "";
  if (!fields.includes(item))
    throw new UsageError(
      `run '${run.path}' has no item vectors to rank: the table has no field ${excerpt(item)}; ${has}${others}`,
    );
  if (query?.of === "user" && !fields.includes(user))
    throw new UsageError(
      `--query user: run '${run.path}' has no user vectors, ${has}: use --query history, last or last:N`,
    );
}

/** Reads only the vectors of items and of the ranked users. @param lists items that represent each user */
async function tableRanker(
  run: Run,
  protocol: Pick<RankingProtocol, "training" | "users">,
  lists: QueryItems,
  by: ByTable,
): Promise<{ ranker: Ranker; warnings: string[] }> {
  return await rowsWithAdded(run, by.table, async (rows) =>
    rankerOf(run, await keyedRows(rows), protocol, lists, by),
  );
}

async function rankerOf(
  run: Run,
  keyed: KeyedRows,
  { training, users }: Pick<RankingProtocol, "training" | "users">,
  lists: QueryItems,
  { score, query, folded }: ByTable,
): Promise<{ ranker: Ranker; warnings: string[] }> {
  const { table } = keyed;
  const { user, item } = fieldsOf(run);
  const { dim } = table;
  const isCosine = score === "cosine";
  const centres = await vectorsOfKeys(keyed, item, training.items, isCosine);
  const items =
    score === "context"
      ? await run.withRows(await contextsOf(run), async (contexts) =>
          vectorsOfKeys(await keyedRows(contexts), item, training.items, false),
        )
      : centres;
  const weights = Float32Array.from(items.rows, (row) => (row === NO_ITEM ? -Infinity : 0));
  const ranked = { dim, items: items.vectors, weights };
  // folded-in vectors need no scaling for cosine, because the length of a query does not affect the order
  if (folded)
    return { ranker: vectorRanker({ ...ranked, queries: foldedQueries(run, folded, dim) }), warnings: [] };
  const byUser = query ? query.of === "user" : table.fields.includes(user);
  const queries = byUser
    ? (await vectorsOfKeys(keyed, user, selectKeys(training.users, users), isCosine)).vectors
    : sums(centres.vectors, lists, dim);
  const counted = { queries, dim, byUser, lists, rows: centres.rows };
  return {
    ranker: vectorRanker({ ...ranked, queries }),
    warnings: warningsOf(counted, query !== undefined || score === "context"),
  };
}

/** Returns the name of the table of contexts. @throws {UsageError} the run has none */
export async function contextsOf(run: Run): Promise<string> {
  return await capable(
    run,
    "contexts",
    "has no context vectors of items",
    "Use --score cosine or --score dot to rank by its table",
  );
}

export function fieldsOf(run: Run): { user: string; item: string } {
  const { user = "user", item = "item" } = run.manifest.roles as { user?: string; item?: string };
  return { user, item };
}

interface KeyRows {
  /** u32[keys]: row of each key within the field; NO_ITEM for keys without a row */
  rows: Uint32Array;
  /** f32[keys * dim]: vector of each key; zeros for keys without a row */
  vectors: Float32Array;
}

/** Looks up the rows of keys in a field. @param toUnit true to scale the rows to length 1 */
export async function vectorsOfKeys(
  { table, rows: stored }: KeyedRows,
  field: string,
  keys: Keys,
  toUnit: boolean,
): Promise<KeyRows> {
  const range = rowsOf(table, field);
  const rows = rowsOfKeys(keysOfRows(table, range), keys);
  const vectors = await vectorsOfRows(
    stored,
    rows.map((row) => (row === NO_ITEM ? NO_ITEM : range.first + row)),
  );
  return { rows, vectors: toUnit ? unitRows(vectors, table.dim) : vectors };
}

/** Returns f32[lists * dim]: the weighted sum of the rows of each list, added in the order of the list. */
export function sums(
  vectors: Float32Array,
  { indptr, items, weights }: QueryItems,
  dim: number,
): Float32Array {
  const added = new Float32Array((indptr.length - 1) * dim);
  for (let q = 0; q + 1 < indptr.length; q++) {
    for (let at = indptr[q]!; at < indptr[q + 1]!; at++) {
      const weight = weights?.[at] ?? 1;
      for (let d = 0; d < dim; d++) added[q * dim + d]! += weight * vectors[items[at]! * dim + d]!;
    }
  }
  return added;
}

interface Counted {
  queries: Float32Array;
  dim: number;
  byUser: boolean;
  lists: QueryItems;
  rows: Uint32Array;
}

function warningsOf({ queries, dim, byUser, lists, rows }: Counted, asked: boolean): string[] {
  const warnings: string[] = [];
  const { items } = lists;
  const outside = byUser ? 0 : items.reduce((sum, item) => sum + (rows[item] === NO_ITEM ? 1 : 0), 0);
  if (asked && outside > 0)
    warnings.push(`ignored ${outside} of ${items.length} query items without a vector`);
  const numQueries = queries.length / dim;
  const without = zeroRows({ vectors: queries, dim }).length;
  if (without > 0)
    warnings.push(
      `${without} of ${numQueries} users have ${byUser ? "no vector" : "no query item with a vector"}: their ` +
        "lists are in arbitrary order",
    );
  return warnings;
}
