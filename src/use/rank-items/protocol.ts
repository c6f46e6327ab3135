// The protocol of a ranking evaluation: the evaluated users, their held-out items, and their masked items.
//
//   log of held-out events ──► users with training events ──► held-out items of each user ──► without masked items

import { UsageError } from "../../base/errors.js";
import { withoutMasked } from "../../metrics/ranking.js";
import type { ItemLists } from "../../compute/kernels/top-items/binding.js";
import { heldOutOf, listsOfUsers } from "../../dataset/sampling/ranking-events.js";
import type { TrainingEvents } from "../../dataset/sampling/training-events.js";
import type { Part } from "../../training/examples/examples.js";

/** Maximum share of held-out events that may repeat training events without --repeats. */
const FEW_REPEATS = 0.05;

export type Repeats = "mask" | "allow";

export interface RankingProtocol {
  training: TrainingEvents;
  /** u32[numQueries]: number of each evaluated training user; each user has held-out items */
  users: Uint32Array;
  masks: ItemLists;
  /** held-out items of each query, ascending, with NO_ITEM for each item that is not in training */
  heldOut: ItemLists;
  /** share of the evaluated users' held-out events whose item is a training item of the user */
  repeatShare: number;
  /** number of users in the log without training events */
  unknownUsers: number;
  withoutHeldOut: number;
  /** number of training users whose held-out items are all masked */
  heldOutMasked: number;
}

/**
 * Finds the held-out items of each user, without the masked ones.
 * @param masked items of each user to mask unless --repeats is set: at least the training history
 * @throws {UsageError} more than 5 % of the held-out events repeat training events, and --repeats is not set
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
