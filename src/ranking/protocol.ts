// How a ranking is evaluated: for whom, which items count as found, and which are not to be found.
//
//   log of held-out events ──► users with training events ──► what is held out of each ──► without what is masked

import { UsageError } from "../errors.js";
import { withoutMasked } from "../evaluation/ranking.js";
import type { ItemLists } from "../kernels/top-items/binding.js";
import { heldOutOf, listsOfUsers } from "../sampling/ranking-events.js";
import type { TrainingEvents } from "../sampling/training-events.js";
import type { Part } from "../training/examples/examples.js";

/** Share of held-out events that may repeat training ones without a word. */
const FEW_REPEATS = 0.05;

export type Repeats = "mask" | "allow";

export interface RankingProtocol {
  training: TrainingEvents;
  /** u32[numQueries]: who is evaluated, as training numbers users; each has held-out items */
  users: Uint32Array;
  /** a list a query: items that are not to be found */
  masks: ItemLists;
  /** a list a query, ascending: items that are; NO_ITEM for each that training does not know */
  heldOut: ItemLists;
  /** share of the held-out events of these users whose item the user has from training */
  repeatShare: number;
  /** users of the log without training events */
  unknownUsers: number;
  /** users of training without a held-out item */
  withoutHeldOut: number;
  /** of these, users whose held-out items are all masked */
  heldOutMasked: number;
}

/**
 * @param masked what users have, and is not to be found under --repeats mask: the history of training, or more
 * @throws {UsageError} more than 5 % of the held-out events repeat training ones, and nothing is said of repeats
 */
export function rankingProtocol(
  training: TrainingEvents,
  masked: ItemLists,
  part: Part,
  repeats: Repeats | undefined,
): RankingProtocol {
  const found = heldOutOf(training, part);
  const repeatShare = found.events > 0 ? found.repeats / found.events : 0;
  if (repeatShare > FEW_REPEATS && repeats === undefined) {
    const percent = (100 * repeatShare).toFixed(1);
    throw new UsageError(
      `${percent} % of the held-out events repeat an item that their user has in training: choose --repeats ` +
        "mask (exclude them, and remove items that users have from the lists) or --repeats allow (count them, " +
        "and remove nothing)",
    );
  }
  const allow = repeats === "allow";
  const all = listsOfUsers(masked, found.users);
  const left = allow ? found.items : withoutMasked(found.items, all);
  const kept = Uint32Array.from(found.users.keys()).filter((q) => left.indptr[q + 1]! > left.indptr[q]!);
  const users = kept.map((q) => found.users[q]!);
  return {
    training,
    users,
    masks: allow ? noLists(users.length) : listsOfUsers(all, kept),
    heldOut: listsOfUsers(left, kept),
    repeatShare,
    unknownUsers: found.unknownUsers,
    withoutHeldOut: training.users.size - users.length,
    heldOutMasked: found.users.length - users.length,
  };
}

/** The protocol for some of its queries alone. @param kept u32, ascending */
export function protocolOfQueries(protocol: RankingProtocol, kept: Uint32Array): RankingProtocol {
  if (kept.length === protocol.users.length) return protocol;
  return {
    ...protocol,
    users: kept.map((q) => protocol.users[q]!),
    masks: listsOfUsers(protocol.masks, kept),
    heldOut: listsOfUsers(protocol.heldOut, kept),
  };
}

function noLists(numQueries: number): ItemLists {
  return { indptr: new Uint32Array(numQueries + 1), items: new Uint32Array() };
}
