// --candidates FILE: the items among which each user's held-out items are ranked, for protocols with sampled negatives.

import { ascending } from "../../base/numeric/indices.js";
import type { Dataset } from "../../dataset/dataset.js";
import { UsageError } from "../../base/errors.js";
import { withoutMasked } from "../../metrics/ranking.js";
import { NO_ITEM, type ItemLists } from "../../compute/kernels/top-items/binding.js";
import {
  itemsOf,
  usersOf,
  type NegativeSource,
  historyOf,
  unionOf,
} from "../../dataset/sampling/negatives.js";
import { listsOfUsers } from "../../dataset/sampling/ranking-events.js";

interface Candidates {
  /** u32: indexes of the queries whose user has a candidate other than the held-out items */
  kept: Uint32Array;
  /** list of items to rank for each query with a candidate: the unmasked candidates, and the held-out items */
  lists: ItemLists;
  counts: CandidateCounts;
  warnings: string[];
}

interface Queries {
  users: Uint32Array;
  heldOut: ItemLists;
  masks: ItemLists;
}

/** Said beside the metrics of lists of candidates. */
export const SAMPLED_ORDER =
  "sampled candidates can order models otherwise than all items (Krichene and Rendle 2020)";

/** Statistics of the candidates of users with held-out items; each candidate counts once per user. */
export interface CandidateCounts {
  /** total number of candidates that are training items */
  listed: number;
  /** number of these candidates that are masked */
  masked: number;
  /** number of skipped users, who have no candidate other than their held-out items */
  usersWithoutOthers: number;
}

/**
 * Returns the items among which each user's held-out items are ranked: the unmasked candidates and the held-out items.
 * A user with only held-out items is skipped, because any ranking would be perfect.
 *
 * @throws {UsageError} a user with held-out items has no candidates, or no user has other candidates than held-out
 * items
 */
export function candidateLists(
  training: Pick<NegativeSource, "users" | "items">,
  { users, heldOut, masks }: Queries,
  dataset: Dataset,
): Candidates {
  const rows = ascending(dataset.numRows);
  const owners = usersOf(training.users, dataset, rows);
  const items = itemsOf(training.items, dataset, rows);
  const given = historyOf(owners, items, training.users.size);
  const without = users.filter((user) => given.indptr[user] === given.indptr[user + 1]).length;
  if (without > 0) {
    throw new UsageError(
      `${without} of ${users.length} users with held-out items have no candidates: their held-out items are ` +
        "always ranked first",
    );
  }
  const asked = listsOfUsers(given, users);
  const open = withoutMasked(asked, masks);
  const others = withoutMasked(open, heldOut);
  const hasOthers = (q: number): boolean => others.indptr[q + 1]! > others.indptr[q]!;
  const kept = Uint32Array.from(users.keys()).filter(hasOthers);
  const counts = {
    listed: asked.items.length,
    masked: asked.items.length - open.items.length,
    usersWithoutOthers: users.length - kept.length,
  };
  if (kept.length === 0 && users.length > 0) throw noUsersLeft(users.length, counts);
  return {
    kept,
    lists: unionOf(listsOfUsers(others, kept), listsOfUsers(heldOut, kept)),
    counts,
    warnings: warningsOf(counts, items),
  };
}

function noUsersLeft(numUsers: number, { listed, masked }: CandidateCounts): UsageError {
  return new UsageError(
    `none of the ${numUsers} users with held-out items has another candidate: ${masked} of ${listed} ` +
      "candidates are masked because their users have them in training; use other candidates, or --repeats " +
      "allow",
  );
}

function warningsOf({ usersWithoutOthers }: CandidateCounts, items: Uint32Array): string[] {
  const unknown = items.reduce((count, item) => count + (item === NO_ITEM ? 1 : 0), 0);
  return [
    ...(unknown > 0 ? [`ignored ${unknown} candidates that are unknown items`] : []),
    ...(usersWithoutOthers > 0
      ? [`skipped ${usersWithoutOthers} users without unmasked candidates other than their held-out items`]
      : []),
  ];
}
