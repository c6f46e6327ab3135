// Makes a validation split whose items are as popular as those of another log: a share of each user's items is held
// out, with a probability that rises (or falls) with the number of an item's events.
//
//   d_i   number of users of item i among the rows to split            u   a hash of seed, user and item, in (0, 1)
//   key   log(-log u) - γ log d_i                                   the user's items with the lowest keys are held out
//
// These are draws without replacement with weights d_i^γ (Efraimidis and Spirakis 2006, doi:10.1016/j.ipl.2005.11.003).
// Hashes stay the same during the search for γ, so the mean of d over the held-out items never falls as γ grows:
// bisection finds it. The degree of a held-out item excludes the user for whom it is held out, like the degree of an
// item of another log.

import { mapTo } from "../../base/numeric/indices.js";
import { MISSING } from "../../log/keys.js";
import { log } from "../../base/numeric/exp.js";
import { UsageError } from "../../base/errors.js";
import { columnNamed, type Dataset, type KeyColumn } from "../dataset.js";

/** u32: rows of each split, in time order for a split by time, otherwise in the log's order */
export interface Parts {
  train: Uint32Array;
  valid: Uint32Array;
  test: Uint32Array;
  /** quality of a validation split that imitates another log; absent for other splits */
  like?: Imitation;
  /** sentence that describes how a split by items was made */
  note?: string;
}

/** Comparison of a validation split with the log that it imitates. */
export interface Imitation {
  /** mean, over the imitated log's events, of the item's degree: its number of users among the rows that were split */
  target: number;
  /** mean, over the validation split's user-item pairs, of the item's degree minus 1 for the pair's own user */
  reached: number;
  /** γ: power of an item's degree, in the weight with which a user's items are drawn for the validation split */
  power: number;
}

/** Required popularity of the held-out items: the item events of another log, or a target for their mean degree. */
export type Likeness =
  | {
      /** u32, by key of the item column: number of the item's events in the other log */
      events: Uint32Array;
      /** number of events whose items are not in the dataset */
      unknown: number;
    }
  | { target: number };

/** Maximum |γ|, beyond which the degrees alone practically determine the order of a user's items. */
const MOST_POWER = 64;
/** Maximum number of bisection steps. */
const STEPS = 40;
/** Relative differences of the mean degree: above CLOSE the target is missed; at ENOUGH the search for γ ends. */
const [CLOSE, ENOUGH] = [0.02, 1e-4];

export interface SplitLikeOptions {
  /** share of each user's items to hold out, in (0, 1); a hash of the user decides whether it is rounded up or down */
  share: number;
  likeness: Likeness;
  /** functions that return hashes in [0, 1) of a row's user, and of its user and item */
  hashes: { ofUser: (row: number) => number; ofPair: (row: number) => number };
}

/**
 * Splits rows into training and validation: all events of a held-out pair of a user and an item. A user keeps at least
 * one item, and rows without user or item are in the training split.
 *
 * @throws {UsageError} there is no user or item column, nothing is held out, or the target cannot be reached; the
 * message states the reachable range
 */
export function splitLike(
  dataset: Dataset,
  rows: Uint32Array,
  { share, likeness, hashes }: SplitLikeOptions,
): Pick<Parts, "train" | "valid" | "like"> {
  const [user, item] = [roleColumn(dataset, "user"), roleColumn(dataset, "item")];
  const pairs = distinctPairs(rows, user, item);
  const degrees = new Uint32Array(item.dictionary.size);
  for (const code of pairs.items) degrees[code]!++;
  const users = pairsByUser(pairs, share, hashes);
  if (users.numHeld === 0)
    throw new UsageError(
      `--valid ${share} holds out no items: no user has one to hold out and one to train on; use a larger share`,
    );
  const target = targetOf(likeness, degrees);

  const logs = mapTo(Float64Array, pairs.items, (code) => log(degrees[code]!));
  const waits = mapTo(Float64Array, pairs.rows, (row) => log(-log(1 - hashes.ofPair(row))));
  const held = new Uint8Array(pairs.rows.length);
  const holdOut = (power: number): number => {
    hold(users, (pair) => waits[pair]! - power * logs[pair]!, held);
    let sum = 0;
    held.forEach((is, pair) => (sum += is * (degrees[pairs.items[pair]!]! - 1)));
    return sum / users.numHeld;
  };
  const range = [holdOut(-MOST_POWER), holdOut(MOST_POWER)] as const;
  const power = powerFor(target, range, holdOut);
  const reached = holdOut(power);
  if (Math.abs(reached - target) > CLOSE * target) {
    const [least, most] = range.map((x) => x.toFixed(1));
    throw new UsageError(
      `cannot match --valid-like: its items have ${target.toFixed(1)} users on average in this log, but ` +
        `--valid ${share} reaches only ${reached.toFixed(1)} (possible range ${least} to ${most}): use another ` +
        "share, or omit --valid-like",
    );
  }
  const isHeld = (at: number) => pairs.ofRow[at] !== MISSING && held[pairs.ofRow[at]!] === 1;
  return {
    train: rows.filter((_, at) => !isHeld(at)),
    valid: rows.filter((_, at) => isHeld(at)),
    like: { target, reached, power },
  };
}

/** Returns the mean degree of the other log's events. @throws {UsageError} none of its items is in the dataset */
function targetOf(likeness: Likeness, degrees: Uint32Array): number {
  if ("target" in likeness) return likeness.target;
  const { events, unknown } = likeness;
  let [sum, count] = [0, unknown];
  events.forEach((n, code) => {
    sum += n * degrees[code]!;
    count += n;
  });
  if (sum === 0)
    throw new UsageError(
      `none of ${count} events of --valid-like has an item of this log: use a file with the items that the ` +
        "validation split should resemble",
    );
  return sum / count;
}

/** Finds the γ for which the mean degree, which does not decrease with γ, is closest to the target. */
function powerFor(
  target: number,
  [least, most]: readonly [number, number],
  meanAt: (power: number) => number,
): number {
  if (target <= least) return -MOST_POWER;
  if (target >= most) return MOST_POWER;
  let [low, high] = [-MOST_POWER, MOST_POWER];
  let [below, above] = [least, most];
  for (let step = 0; step < STEPS; step++) {
    const middle = (low + high) / 2;
    const mean = meanAt(middle);
    if (Math.abs(mean - target) <= ENOUGH * target) return middle;
    if (mean < target) [low, below] = [middle, mean];
    else [high, above] = [middle, mean];
  }
  return target - below < above - target ? low : high;
}

interface Pairs {
  /** u32: index of each row's pair of user and item, MISSING for rows without user or item */
  ofRow: Uint32Array;
  /** u32, by pair of user and item: its first row, and the codes of its user and its item */
  rows: Uint32Array;
  users: Uint32Array;
  items: Uint32Array;
}

/** Returns the distinct pairs of users and items, in order of appearance. */
function distinctPairs(rows: Uint32Array, user: KeyColumn, item: KeyColumn): Pairs {
  const ofRow = new Uint32Array(rows.length).fill(MISSING);
  const numbers = new Map<number, number>();
  const first: number[] = [];
  rows.forEach((row, at) => {
    const [u, i] = [user.codes[row]!, item.codes[row]!];
    if (u === MISSING || i === MISSING) return;
    const name = u * item.dictionary.size + i;
    let pair = numbers.get(name);
    if (pair === undefined) {
      numbers.set(name, (pair = first.length));
      first.push(row);
    }
    ofRow[at] = pair;
  });
  const pairRows = Uint32Array.from(first);
  return {
    ofRow,
    rows: pairRows,
    users: pairRows.map((row) => user.codes[row]!),
    items: pairRows.map((row) => item.codes[row]!),
  };
}

interface Users {
  /** the pairs of user and item of each user, the number to hold out of each user, and the sum of these numbers */
  pairs: number[][];
  quotas: number[];
  numHeld: number;
}

function pairsByUser({ rows, users }: Pairs, share: number, { ofUser }: SplitLikeOptions["hashes"]): Users {
  const lists = new Map<number, number[]>();
  users.forEach((code, pair) => {
    const own = lists.get(code);
    if (own) own.push(pair);
    else lists.set(code, [pair]);
  });
  const pairs = [...lists.values()];
  const quotas = pairs.map((own) =>
    Math.min(own.length - 1, Math.floor(share * own.length + ofUser(rows[own[0]!]!))),
  );
  return { pairs, quotas, numHeld: quotas.reduce((sum, n) => sum + n, 0) };
}

/** Holds out each user's pairs with the lowest `keyOf`. @param held u8 by pair, overwritten: 1 if held out */
function hold({ pairs, quotas }: Users, keyOf: (pair: number) => number, held: Uint8Array): void {
  pairs.forEach((own, u) => {
    const keys = mapTo(Float64Array, own, keyOf);
    let left = quotas[u]!;
    const last = left === 0 ? -Infinity : keys.toSorted()[left - 1]!;
    own.forEach((pair, at) => {
      held[pair] = left > 0 && keys[at]! <= last ? 1 : 0;
      left -= held[pair]!;
    });
  });
}

function roleColumn(dataset: Dataset, role: "user" | "item"): KeyColumn {
  const name = dataset.roles[role];
  if (name === undefined)
    throw new UsageError(
      `--valid-like needs a user and an item column: name the ${role} column with --${role}`,
    );
  const column = columnNamed(dataset, name);
  if (column.kind !== "key")
    throw new UsageError(`--valid-like needs a categorical ${role} column, but '${name}' is not categorical`);
  return column;
}
