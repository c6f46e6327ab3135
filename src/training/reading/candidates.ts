// --candidates FILE: for each user the items that what is held out is ranked among, for protocols of sampled negatives.

import { ascending } from "../../numeric/indices.js";
import type { Dataset } from "../../dataset/dataset.js";
import { UsageError } from "../../errors.js";
import { withoutMasked } from "../../evaluation/ranking.js";
import { NO_ITEM, type ItemLists } from "../../kernels/top-items/binding.js";
import { itemsOf, usersOf, type NegativeSource, historyOf, unionOf } from "../../sampling/negatives.js";
import { listsOfUsers } from "../../sampling/ranking-events.js";

/** What is ranked of a file of candidates. */
interface Candidates {
  /** u32: queries whose user has a candidate beside the held-out items */
  kept: Uint32Array;
  /** a list for each of these: candidates that are not masked, and the held-out items */
  lists: ItemLists;
  counts: CandidateCounts;
  warnings: string[];
}

/** Who is ranked for, and what of. */
interface Queries {
  users: Uint32Array;
  heldOut: ItemLists;
  masks: ItemLists;
}

/** How many candidates there were for the users with held-out items, each once a user. */
export interface CandidateCounts {
  /** of items that training knows */
  listed: number;
  /** of these, left out since they are masked */
  masked: number;
  /** users who are left out, since no candidate is left beside their held-out items */
  usersWithoutOthers: number;
}

/**
 * What each user's held-out items are ranked among: the candidates that are not masked, and the held-out items themselves. A user for
 * whom that leaves the held-out items alone would be ranked perfectly by anything, and is left out.
 *
 * @throws {UsageError} a user with held-out items has no candidates, or no user has others than held-out ones
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
  if (kept.length === 0 && users.length > 0) throw nobodyLeft(users.length, counts);
  return {
    kept,
    lists: unionOf(listsOfUsers(others, kept), listsOfUsers(heldOut, kept)),
    counts,
    warnings: warningsOf(counts, items),
  };
}

function nobodyLeft(numUsers: number, { listed, masked }: CandidateCounts): UsageError {
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
