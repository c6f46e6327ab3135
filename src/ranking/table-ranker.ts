// Ranks by the rows of a run's tables.
//
//   q   a user's query: the user's row, or the sum of the rows of the query's items
//   v   an item's row
//
//   dot      q . v
//   cosine   the same of rows of length 1, so that q points as the mean of its items does
//   context  q . z, z the item's row of the table of contexts: how well it occurs near the query's items
//
// The length of q changes no order, so that a sum ranks as a mean.

import type { Keys } from "../log/keys.js";
import { readWithAdded } from "../embedding/added.js";
import type { Run } from "../embedding/run-directory.js";
import { keysOfRows, rowsOf, type EmbeddingTable, vectorsAt, zeroRows } from "../embedding/table.js";
import { UsageError, excerpt } from "../errors.js";
import { vectorRanker, type Ranker } from "../evaluation/rankers.js";
import type { QueryItems } from "../evaluation/baselines/input.js";
import { unitRows } from "../retrieval/nearest.js";
import { NO_ITEM } from "../kernels/top-items/binding.js";
import { capable } from "../trainers/index.js";
import { foldedQueries, rowsOfKeys, type UserVectors } from "../training/judging/ranked-items.js";
import type { Query } from "./query.js";
import type { RankingProtocol } from "./protocol.js";

/** How tables rank. */
export interface ByTable {
  score: "dot" | "cosine" | "context";
  /** the table by its name; of context it is the default one */
  table?: string | undefined;
  /** the user's row where the table has users, else the history, when absent */
  query?: Query | undefined;
  /** vectors of users whom the table has not, in place of both */
  folded?: UserVectors | undefined;
}

/** @throws {UsageError} the run has no rows for the query, of items, or of contexts; says what it has */
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

/** What ranks, and what is to be said of it. @param lists a list a query: the items that it is made of */
export async function tableRanker(
  run: Run,
  { training, users }: Pick<RankingProtocol, "training" | "users">,
  lists: QueryItems,
  { score, table: name, query, folded }: ByTable,
): Promise<{ ranker: Ranker; warnings: string[] }> {
  const table = await readWithAdded(run, name);
  const { user, item } = fieldsOf(run);
  const { dim } = table;
  const isCosine = score === "cosine";
  const centres = vectorsOfKeys(table, item, training.items, isCosine);
  const items =
    score === "context"
      ? vectorsOfKeys(await run.readTable(await contextsOf(run)), item, training.items, false)
      : centres;
  const weights = Float32Array.from(items.rows, (row) => (row === NO_ITEM ? -Infinity : 0));
  const ranked = { dim, items: items.vectors, weights };
  // the length of a query changes no order, so that a folded-in one stays as it is under cosine, too
  if (folded)
    return { ranker: vectorRanker({ ...ranked, queries: foldedQueries(run, folded, dim) }), warnings: [] };
  const byUser = query ? query.of === "user" : table.fields.includes(user);
  const queries = byUser
    ? vectorsAt({ vectors: vectorsOfKeys(table, user, training.users, isCosine).vectors, dim }, users)
    : sums(centres.vectors, lists, dim);
  const counted = { queries, dim, byUser, lists, rows: centres.rows };
  return {
    ranker: vectorRanker({ ...ranked, queries }),
    warnings: warningsOf(counted, query !== undefined || score === "context"),
  };
}

/** The name of the table of contexts. @throws {UsageError} the run keeps none */
export async function contextsOf(run: Run): Promise<string> {
  return await capable(
    run,
    "contexts",
    "has no context vectors of items",
    "Use --score cosine or --score dot to rank by its table",
  );
}

/** What a run calls its users and items. */
export function fieldsOf(run: Run): { user: string; item: string } {
  const { user = "user", item = "item" } = run.manifest.roles as { user?: string; item?: string };
  return { user, item };
}

interface KeyRows {
  /** u32[keys]: the field's row of each, or NO_ITEM */
  rows: Uint32Array;
  /** f32[keys * dim]; zeros without a row */
  vectors: Float32Array;
}

/** The rows of a field that given keys have. @param toUnit they get length 1 */
export function vectorsOfKeys(table: EmbeddingTable, field: string, keys: Keys, toUnit: boolean): KeyRows {
  const { dim } = table;
  const range = rowsOf(table, field);
  const rows = rowsOfKeys(keysOfRows(table, range), keys);
  const vectors = vectorsAt(
    table,
    rows.map((row) => (row === NO_ITEM ? NO_ITEM : range.first + row)),
  );
  return { rows, vectors: toUnit ? unitRows(vectors, dim) : vectors };
}

/** f32[lists * dim]: the weighted sum of each list's rows, in their order. */
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

/** Users whose query is nothing; and of a query that was asked for, items without a row. */
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
