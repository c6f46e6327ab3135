// --fold-in-share: evaluates users whom no run knows. Each run computes a user's vector from the first of the user's
// items, as `transform --fold-in` does; the other items are held out.
//
//   log, or a held-out split of the run ──► users without training events ──► the n items of each, by first event
//     ──► the first ceil(share n), at least 1 and at most n - 1 ──► folded in: masks, histories for
//         baselines, foldIn of runs
//     ──► the others ──► held out
//
// All events of a user with one item count as one, at the time of the first positive event. Other events, such as those
// with label 0, are folded in if they precede the first held-out item, because folding in can learn from them; they are
// never held out.
//
// Source: strong generalization of Marlin 2004 ("Collaborative Filtering: A Machine Learning Perspective"), with 80 %
// folded in by Liang et al. 2018 (arXiv:1802.05814). Both choose the folded-in items at random; here they are the first
// ones.

import type { FurtherLog } from "../../training/reading/open-as-trained.js";
import { keyColumn } from "../../dataset/item-fields.js";
import { MISSING, selectKeys, type Keys } from "../../log/keys.js";
import { type Dataset, type KeyColumn, rowsWhere } from "../../dataset/dataset.js";
import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import type { Run } from "../../table/run-directory.js";
import { keysOfRows, rowsOf, vectorsAt, zeroRows } from "../../table/table.js";
import { UsageError } from "../../base/errors.js";
import { historyOf } from "../../dataset/sampling/negatives.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";
import { timesOfRows, type TrainingEvents } from "../../dataset/sampling/training-events.js";
import { capable } from "../../trainers/index.js";
import { foldedRows, foldingOf, type FoldIn } from "../../training/capabilities/folded-keys.js";
import type { Part } from "../../training/examples/examples.js";
import { rowsOfKeys, type UserVectors } from "../../training/split-metrics/ranked-items.js";
import type { Watch } from "../../training/session/watch.js";

/** Numbers of users and items with --fold-in-share. */
export interface FoldedUsers {
  share: number;
  /** numbers of folded-in and of held-out pairs (user, item) */
  foldedIn: number;
  heldOut: number;
  /** number of users excluded because a run knows them */
  known: number;
  /** number of users excluded because they have fewer than two items with positive events */
  withOneItem: number;
}

export interface Folding {
  /** new users with their folded-in items as history; items and counts are those of the training events */
  training: TrainingEvents;
  /** u32: held-out rows of the evaluated split */
  heldOut: Uint32Array;
  counts: FoldedUsers;
  /** returns the row numbers of the folded-in events in a dataset that was read again from the same log */
  rowsOf: (dataset: Dataset) => Uint32Array;
}

/** @param counted u32: rows with a positive event @param known users to exclude @param share to fold in, in (0, 1) */
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
  // maps each pair of a user and an item to whether its events are folded in or held out
  const placed = new Map<number, Map<number, "in" | "out">>();
  const folded: { user: number; item: number }[] = [];
  let numHeldOut = 0;
  // visits users in the order of the log's dictionary, which is also the order of the selected keys
  for (const [user, { first, liked }] of [...histories].sort(([a], [b]) => a - b)) {
    const ordered = [...liked.keys()];
    const n = ordered.length;
    if (n < 2) continue;
    // tolerance for products such as 0.55 * 100, which rounding makes greater than the integer
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

/** Items of a user in the order of their first events, each with that event's position among all events by time. */
interface Histories {
  first: Map<number, number>;
  liked: Map<number, number>;
}

/** @param isKnown u8: 1 if the code's user is known */
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

/** Returns u32: rows in order of time, ties in log order; all in log order if some rows have no time. */
export function inOrderOfTime(dataset: Dataset, rows: Uint32Array): Uint32Array {
  const ascending = rows.toSorted();
  const times = timesOfRows(dataset, ascending);
  if (!times?.every(Number.isFinite)) return ascending;
  const places = Uint32Array.from(ascending.keys()).sort((a, b) => times[a]! - times[b]! || a - b);
  return places.map((place) => ascending[place]!);
}

/** Returns u8[keys.size]: 1 for keys that are in one of the dictionaries. */
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

/** Returns the run's function for folding in users. @throws {UsageError} it has none @param flag that needs it */
export async function userFoldIn(run: Run, flag: "--fold-in" | "--fold-in-share"): Promise<FoldIn> {
  return await capable(run, "foldIn", `cannot compute vectors of unknown users (${flag})`);
}

/** Returns the users whom the runs know: those with training events, or with a row in a table. */
export async function knownUsers(runs: readonly { run: Run }[], { users }: TrainingEvents): Promise<Keys[]> {
  const known = [users];
  for (const { run } of runs) {
    const { user } = run.manifest.roles as { user?: string };
    const table = await run.readKeys();
    if (user !== undefined && table.fields.includes(user)) known.push(keysOfRows(table, rowsOf(table, user)));
  }
  return known;
}

/** Vectors of `transform --fold-in`; 0 if the run knows none of a user's items. @param users u32[numQueries] */
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

/** Adds the run's name to notes; drops warnings, which were reported before or are returned. */
function prefixedNotes(name: string, { observe, signal }: Watch): Watch {
  return {
    signal,
    observe: (progress) => {
      if (progress.stage === "note") observe({ ...progress, text: `${name}: ${progress.text}` });
      else if (progress.stage !== "warning") observe(progress);
    },
  };
}
