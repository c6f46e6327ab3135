// --fold-in-share: evaluates users whom no run knows. Each run computes a user's vector from the first of the user's items, as
// `transform --fold-in` does; the other items are held out.
//
//   log, or a held-out split of the run ──► users without training events ──► the n items of each user, by first event
//     ──► the first ceil(share n), at least 1 and at most n - 1 ──► folded in: masks, histories for baselines, foldIn of runs
//     ──► the other items ──► held out
//
// All events of a user with an item count as one, at the time of the first event that counts. Events that do not count,
// such as those with label 0, are folded in if they occurred before the first held-out item, because folding in can
// learn from them. They are never held out.
//
// Source: strong generalization of Marlin 2004 ("Collaborative Filtering: A Machine Learning Perspective"), with 80 % folded in by Liang
// et al. 2018 (arXiv:1802.05814). Both choose the folded-in items at random; here they are the user's first items.

import type { FurtherLog } from "../training/reading/open-as-trained.js";
import { keyColumn } from "../dataset/item-fields.js";
import { MISSING, selectKeys, type Keys } from "../log/keys.js";
import type { Dataset, KeyColumn } from "../dataset/dataset.js";
import { rowsWhere } from "../dataset/select-rows.js";
import { KeyIndex } from "../dataset/vocabulary/key-index.js";
import type { Run } from "../embedding/run-directory.js";
import { keysOfRows, rowsOf, vectorsAt, zeroRows } from "../embedding/table.js";
import { UsageError } from "../errors.js";
import { historyOf } from "../sampling/negatives.js";
import { NO_ITEM } from "../kernels/top-items/binding.js";
import { timesOfRows, type TrainingEvents } from "../sampling/training-events.js";
import { capable } from "../trainers/index.js";
import { foldedRows, foldingOf, type FoldIn } from "../training/capabilities/folded-keys.js";
import type { Part } from "../training/examples/examples.js";
import { rowsOfKeys, type UserVectors } from "../training/judging/ranked-items.js";
import type { Watch } from "../training/session/watch.js";

/** Number of users and of (user, item) pairs of --fold-in-share. */
export interface FoldedUsers {
  share: number;
  /** number of folded-in (user, item) pairs, and number of held-out pairs */
  foldedIn: number;
  heldOut: number;
  /** number of users who are left out because a run knows them */
  known: number;
  /** number of users who are left out because they have fewer than two items that count */
  withOneItem: number;
}

/** New users, and the split of their events into folded-in and held-out ones. */
export interface Folding {
  /** the new users with their folded-in items as history; items and counts of items are those of the training events */
  training: TrainingEvents;
  /** u32: row numbers of held-out events in the evaluated split */
  heldOut: Uint32Array;
  counts: FoldedUsers;
  /** returns the row numbers of the folded-in events in another reading of the same log */
  rowsOf: (dataset: Dataset) => Uint32Array;
}

/**
 * Splits the events of new users into folded-in and held-out ones.
 *
 * @param whole   all rows of the evaluated log or split
 * @param counted u32: row numbers of the events that count
 * @param known   keys of the users that a run knows, who are left out
 * @param share   share of each user's items to fold in, in (0, 1)
 * @throws {UsageError} no user is left; the message says why
 */
export function cutNewUsers(
  learned: TrainingEvents,
  whole: Part,
  counted: Uint32Array,
  known: readonly Keys[],
  share: number,
): Folding {
  const { dataset } = whole;
  const [users, items] = [roleColumn(dataset, "user"), roleColumn(dataset, "item")];
  const { histories, numKnown } = historiesOf(
    whole,
    counted,
    users,
    items,
    keysAmong(users.dictionary, known),
  );
  // by user and item, whether all events of the user with the item are folded in or held out
  const placed = new Map<number, Map<number, "in" | "out">>();
  const folded: { user: number; item: number }[] = [];
  let numHeldOut = 0;
  // users are in the order of the log's dictionary, which is also the order of the selected keys
  for (const [user, { first, liked }] of [...histories].sort(([a], [b]) => a - b)) {
    const ordered = [...liked.keys()];
    const n = ordered.length;
    if (n < 2) continue;
    // tolerance for products such as 0.55 * 100 that rounding makes greater than the exact integer
    const numIn = Math.min(n - 1, Math.max(1, Math.ceil(share * n - 1e-9)));
    const own = new Map(ordered.map((item, i) => [item, i < numIn ? "in" : "out"] as const));
    for (const item of ordered.slice(0, numIn)) folded.push({ user: placed.size, item });
    numHeldOut += n - numIn;
    const cut = liked.get(ordered[numIn]!)!;
    for (const [item, place] of first) if (!liked.has(item) && place < cut) own.set(item, "in");
    placed.set(user, own);
  }
  const counts = {
    share,
    foldedIn: folded.length,
    heldOut: numHeldOut,
    known: numKnown,
    withOneItem: histories.size - placed.size,
  };
  if (placed.size === 0) throw noUserLeft(counts);

  const numbers = rowsOfKeys(learned.items, items.dictionary);
  const history = historyOf(
    Uint32Array.from(folded, ({ user }) => user),
    Uint32Array.from(folded, ({ item }) => numbers[item]!),
    placed.size,
  );
  const newUsers = selectKeys(users.dictionary, Uint32Array.from(placed.keys()));
  return {
    training: { users: newUsers, items: learned.items, counts: learned.counts, history },
    heldOut: counted.filter((row) => placed.get(users.codes[row]!)?.get(items.codes[row]!) === "out"),
    counts,
    rowsOf: (other) => {
      const [otherUsers, otherItems] = [roleColumn(other, "user"), roleColumn(other, "item")];
      const userCodes = rowsOfKeys(users.dictionary, otherUsers.dictionary);
      const itemCodes = rowsOfKeys(items.dictionary, otherItems.dictionary);
      return rowsWhere(other.numRows, (row) => {
        const [user, item] = [otherUsers.codes[row]!, otherItems.codes[row]!];
        if (user === MISSING || item === MISSING) return false;
        return placed.get(userCodes[user]!)?.get(itemCodes[item]!) === "in";
      });
    },
  };
}

/**
 * The items of a user in ascending order of their first event. A value is the position of that event in the order of
 * time.
 */
interface Histories {
  /** by all events */
  first: Map<number, number>;
  /** by events that count */
  liked: Map<number, number>;
}

/**
 * Returns the history of each new user, by the user's code.
 *
 * @param isKnown u8, by user code: 1 for users that a run knows
 */
function historiesOf(
  { dataset, rows }: Part,
  counted: Uint32Array,
  users: KeyColumn,
  items: KeyColumn,
  isKnown: Uint8Array,
): { histories: Map<number, Histories>; numKnown: number } {
  const counts = new Uint8Array(dataset.numRows);
  for (const row of counted) counts[row] = 1;
  const histories = new Map<number, Histories>();
  const knownOnes = new Set<number>();
  inOrderOfTime(dataset, rows).forEach((row, place) => {
    const [user, item] = [users.codes[row]!, items.codes[row]!];
    if (user === MISSING || item === MISSING) return;
    if (isKnown[user] === 1) {
      knownOnes.add(user);
      return;
    }
    let own = histories.get(user);
    if (!own) histories.set(user, (own = { first: new Map(), liked: new Map() }));
    if (!own.first.has(item)) own.first.set(item, place);
    if (counts[row] === 1 && !own.liked.has(item)) own.liked.set(item, place);
  });
  return { histories, numKnown: knownOnes.size };
}

/**
 * Returns u32: row numbers in ascending order of time, ties in log order. If some rows have no time, all rows are in
 * log order.
 */
export function inOrderOfTime(dataset: Dataset, rows: Uint32Array): Uint32Array {
  const ascending = rows.toSorted();
  const times = timesOfRows(dataset, ascending);
  if (!times?.every(Number.isFinite)) return ascending;
  const places = Uint32Array.from(ascending.keys()).sort((a, b) => times[a]! - times[b]! || a - b);
  return places.map((place) => ascending[place]!);
}

/** Returns u8[keys.size]: 1 for each key that occurs in at least one of the dictionaries. */
function keysAmong(keys: Keys, known: readonly Keys[]): Uint8Array {
  const among = new Uint8Array(keys.size);
  for (const dictionary of known)
    rowsOfKeys(dictionary, keys).forEach((number, code) => {
      if (number !== NO_ITEM) among[code] = 1;
    });
  return among;
}

function roleColumn({ roles, ...rest }: Dataset, role: "user" | "item"): KeyColumn {
  const name = roles[role];
  if (name !== undefined) return keyColumn({ roles, ...rest }, name);
  throw new UsageError(
    `--fold-in-share needs a ${role} column, but a run was trained without one: train it with --${role}`,
  );
}

function noUserLeft({ known, withOneItem }: FoldedUsers): UsageError {
  if (withOneItem > 0)
    return new UsageError(
      `--fold-in-share: none of the ${withOneItem} unknown users has two items, one to fold in and one to ` +
        "hold out",
    );
  return new UsageError(
    "--fold-in-share needs users unknown to the runs, but " +
      `${known === 0 ? "the log has no users" : `all ${known} users of the log are known`}: train with --split ` +
      "user --test 0.1 and evaluate --part test, or use a log of other users",
  );
}

/** Returns notes on the number of left-out users and on the order of the events. */
export function foldingNotes({ known, withOneItem }: FoldedUsers, { dataset, rows }: Part): string[] {
  const notes: string[] = [];
  if (known > 0) notes.push(`skipped ${known} users known to the runs`);
  if (withOneItem > 0) notes.push(`skipped ${withOneItem} new users with fewer than two items`);
  if (!timesOfRows(dataset, rows)?.every(Number.isFinite))
    notes.push(
      "the events have no times (in a column that training used as time): a user's items are taken in log order",
    );
  return notes;
}

/**
 * Returns the function with which the run's model folds in users.
 *
 * @param flag the option that needs it, for the message
 * @throws {UsageError} the model has no such function
 */
export async function userFoldIn(run: Run, flag: "--fold-in" | "--fold-in-share"): Promise<FoldIn> {
  return await capable(run, "foldIn", `cannot compute vectors of unknown users (${flag})`);
}

/** Returns the keys of the users that the runs know: users with training events, and users with a row in a table. */
export async function knownUsers(runs: readonly { run: Run }[], { users }: TrainingEvents): Promise<Keys[]> {
  const known = [users];
  for (const { run } of runs) {
    const { user } = run.manifest.roles as { user?: string };
    const table = await run.readTable();
    if (user !== undefined && table.fields.includes(user)) known.push(keysOfRows(table, rowsOf(table, user)));
  }
  return known;
}

/**
 * Folds new users in from their events, as `transform --fold-in` does.
 *
 * @param users  u32[numQueries]: numbers of the users in `folding`
 * @param log    the log that contains the events
 * @returns one vector per query, and warnings; the vector is zero if the run knows none of the user's items
 * @throws {UsageError} the run cannot fold in users, or not from this log
 */
export async function foldedVectors(
  { run, name }: { run: Run; name: string },
  users: Uint32Array,
  { training, rowsOf: chosen }: Folding,
  log: FurtherLog,
  watch: Watch,
): Promise<{ folded: UserVectors; warnings: string[] }> {
  const foldIn = await userFoldIn(run, "--fold-in-share");
  const options = { ...foldingOf(log, "user"), rowsOf: chosen };
  const { encoding, rows, warnings } = await foldedRows(run, foldIn, options, prefixedNotes(name, watch));
  const dim = encoding.columns.length;
  const index = new KeyIndex(training.users);
  const all = new Float32Array(training.users.size * dim);
  for await (const { numRows, values, keyOf } of rows) {
    for (let row = 0; row < numRows; row++) {
      const key = keyOf(row);
      const user = index.find({ size: 1, bytes: key, offsets: Uint32Array.of(0, key.length) }, 0);
      if (user >= 0) all.set(values.subarray(row * dim, (row + 1) * dim), user * dim);
    }
  }
  const vectors = vectorsAt({ vectors: all, dim }, users);
  const without = zeroRows({ vectors, dim }).length;
  if (without > 0)
    warnings.push(
      `${without} of ${users.length} users have no folded-in item known to the run and therefore no vector: ` +
        "they all get the same list",
    );
  return { folded: { dim, vectors }, warnings };
}

/**
 * Returns a watch that prefixes notes with the run's name and drops warnings, which earlier readings reported or the
 * caller returns.
 */
function prefixedNotes(name: string, { observe, signal }: Watch): Watch {
  return {
    signal,
    observe: (progress) => {
      if (progress.stage === "note") observe({ ...progress, text: `${name}: ${progress.text}` });
      else if (progress.stage !== "warning") observe(progress);
    },
  };
}
