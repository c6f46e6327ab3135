// --candidates FILE: for each user the items that what is held out is ranked among, for protocols of sampled negatives.

import type { Dataset, Roles } from "../../dataset/dataset.js";
import { UsageError } from "../../errors.js";
import type { ItemLists } from "../../kernels/top-items/binding.js";
import { itemsOf, usersOf } from "../../sampling/negative-source.js";
import { historyOf, NO_ITEM } from "../../sampling/negatives.js";
import { listsOfUsers } from "../../sampling/ranking-events.js";
import type { EvaluateOptions } from "./options.js";
import { silently } from "../../training/parts.js";
import type { Watch } from "../../training/watch.js";
import type { RankingProtocol } from "./ranking-protocol.js";
import { readAsTrained } from "../../training/read-as-trained.js";

/** Reads the file: a row a user and item, in columns named as the run's. */
export async function readCandidates(
  path: string,
  { user, item }: Roles,
  { reading, hashKeys }: Pick<EvaluateOptions, "reading" | "hashKeys">,
  watch: Watch,
): Promise<Dataset> {
  const roles: Roles = { user: user!, item: item!, fields: [user!, item!], numeric: [], multi: {} };
  const { dataset } = await readAsTrained(
    { roles, sides: [], drop: [] },
    { on: [path], reading, hashKeys },
    { unlabelled: true },
    silently(watch),
  );
  return dataset;
}

/**
 * What each user's held-out items are ranked among: the candidates and the held-out items themselves.
 *
 * @returns a list a query of the protocol
 * @throws {UsageError} a user who is judged has no candidates
 */
export function candidateLists(
  { training, users, heldOut }: RankingProtocol,
  dataset: Dataset,
): { lists: ItemLists; warnings: string[] } {
  const rows = Uint32Array.from({ length: dataset.numRows }, (_, row) => row);
  const owners = usersOf(training.users, dataset, rows);
  const items = itemsOf(training.items, dataset, rows);
  const given = historyOf(owners, items, training.users.size);
  const without = users.filter((user) => given.indptr[user] === given.indptr[user + 1]).length;
  if (without > 0) {
    throw new UsageError(
      `${without} of ${users.length} users with held-out items have no candidates: a user without them is ranked first by everything`,
    );
  }
  const asked = listsOfUsers(given, users);
  const queries = (lists: ItemLists) => {
    const of = new Uint32Array(lists.items.length);
    for (let q = 0; q + 1 < lists.indptr.length; q++) of.fill(q, lists.indptr[q], lists.indptr[q + 1]);
    return of;
  };
  const unknown = items.reduce((count, item) => count + (item === NO_ITEM ? 1 : 0), 0);
  return {
    lists: historyOf(
      Uint32Array.from([...queries(asked), ...queries(heldOut)]),
      Uint32Array.from([...asked.items, ...heldOut.items]),
      users.length,
    ),
    warnings:
      unknown > 0 ? [`${unknown} candidates are items that training does not know, and are left out`] : [],
  };
}
