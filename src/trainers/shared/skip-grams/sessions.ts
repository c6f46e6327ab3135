// Reads the events of a split as weighted sessions, for all trainers of skip-grams.

import { mapTo } from "../../../base/numeric/indices.js";
import { MISSING } from "../../../log/keys.js";
import { columnNamed, type Roles } from "../../../dataset/dataset.js";
import { idsOf, type FeatureSpace } from "../../../dataset/vocabulary/vocabulary.js";
import type { WeightedSequences } from "../../../dataset/sampling/skip-grams.js";
import type { Part } from "../../../training/examples/examples.js";
import { eventWeights, type EventWeightOptions } from "../../../dataset/sequences/event-weights.js";
import type { Sequences } from "../../../dataset/sequences/sequences.js";

/** Sequences that contain held-out events. The other events of their sessions may be training events. */
export interface HeldOutSequences extends WeightedSequences {
  /** u8, one per token: 1 for held-out tokens */
  isHeldOut: Uint8Array;
}

/** Returns the definition of sessions; undefined if no column defines them. */
export function sessionGrouping(
  { session, user }: Roles,
  byGap: boolean,
): "gap" | "session" | "user" | undefined {
  if (session === undefined && user === undefined) return undefined;
  return byGap ? "gap" : session !== undefined ? "session" : "user";
}

/** Marks the held-out tokens of sequences; undefined if there are none. @param part split whose events are held out */
export function heldOutOf(
  sequences: WeightedSequences,
  { dataset, rows }: Part,
): HeldOutSequences | undefined {
  const isValid = new Uint8Array(dataset.numRows);
  for (const row of rows) isValid[row] = 1;
  const isHeldOut = mapTo(Uint8Array, sequences.rows, (row) => isValid[row]!);
  return isHeldOut.includes(1) ? { ...sequences, isHeldOut } : undefined;
}

/** Returns the name of the session column; of the user column for sessions by gap, or without a session column. */
export function sessionColumn({ session, user }: Roles, byGap: boolean): string {
  const name = byGap ? user : (session ?? user);
  return name!;
}

/** Returns a split of the same log together with the training events of the same sessions, or of the same users. */
export function inTheirSessions(train: Part, { dataset, rows }: Part, name: string): Part {
  const column = columnNamed(dataset, name);
  if (dataset !== train.dataset || column.kind !== "key") return { dataset, rows };
  const { codes, dictionary } = column;
  const isHere = new Uint8Array(dictionary.size);
  for (const row of rows) if (codes[row] !== MISSING) isHere[codes[row]!] = 1;
  const others = train.rows.filter((row) => codes[row] !== MISSING && isHere[codes[row]!] === 1);
  const all = new Uint32Array(rows.length + others.length);
  all.set(rows);
  all.set(others, rows.length);
  return { dataset, rows: all.sort() };
}

export function sessionsNote({ session, user }: Roles, byGap: boolean): string {
  if (byGap) return `sessions are the events of a '${user}' between gaps`;
  return session === undefined
    ? `sessions are all events of a '${user}' (split them at gaps with --session-gap 30m)`
    : `sessions are the values of '${session}'`;
}

/**
 * Returns for each column the tokens of a split's rows: the features that represent the rows' keys.
 *
 * @param weights f32 by row of the dataset; rows whose weight decayed to 0 have no token
 * @returns u32[rows.length] for each column; MISSING for keys that are not in the vocabulary
 */
export function tokensOf(
  space: FeatureSpace,
  { dataset, rows }: Part,
  columns: readonly string[],
  weights: Float32Array | undefined,
): Uint32Array[] {
  return columns.map((name) => {
    const f = space.fields.findIndex((field) => field.name === name);
    const [field, column] = [space.fields[f], columnNamed(dataset, name)];
    if (field?.kind !== "key" || column.kind !== "key") throw new RangeError("tokens are keys");
    const ids = idsOf(field, column.dictionary);
    // the codes are read into a variable once, because each access to a stored column reads the disk
    const { codes } = column;
    return rows.map((row) => {
      const code = codes[row]!;
      const id = code === MISSING || weights?.[row] === 0 ? 0 : ids[code]!;
      return id === 0 ? MISSING : space.offsets[f]! + id;
    });
  });
}

// Weights of events: --weight, --event-weight and --half-life.
//
// The weight of a pair of events is the geometric mean of their weights, sqrt(a b). A session whose events all have the
// weight a therefore has a times the influence, and pairs of events of the same age decay with the given half-life, not
// with half of it.

export interface Counted {
  /** f32[numRows of the dataset]: weight of each row, mean 1 over the training split; undefined if all are equal */
  of(part: Part): Float32Array | undefined;
}

/**
 * Returns the weights of the training split, and a function that returns those of other splits, on the same scale but
 * independent of age.
 *
 * @throws {UsageError} a half-life without times, or a kind of event without a weight
 */
export function countedEvents(train: Part, weighting: EventWeightOptions): Counted {
  const { dataset, rows } = train;
  const weights = eventWeights(dataset, rows, weighting);
  return {
    of(part) {
      const given = part.rows;
      const own = part === train ? weights.train : weights.of(part.dataset, given);
      if (!own) return undefined;
      const { numRows } = part.dataset;
      if (given.length === numRows && given.every((row, i) => row === i)) return own;
      const byRow = new Float32Array(numRows);
      for (let i = 0; i < given.length; i++) byRow[given[i]!] = own[i]!;
      return byRow;
    },
  };
}

/** Adds the square roots of the events' weights, unless all are 1. @param byRow f32[numRows of the dataset] */
export function withWeights(sequences: Sequences, byRow: Float32Array | undefined): WeightedSequences {
  if (!byRow) return sequences;
  const weights = mapTo(Float32Array, sequences.rows, (row) => Math.sqrt(byRow[row]!));
  return weights.every((weight) => weight === 1) ? sequences : { ...sequences, weights };
}
