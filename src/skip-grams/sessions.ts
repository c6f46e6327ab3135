// Events of a part in their sessions: what trainers of skip-grams have in common of reading them.

import { mapTo } from "../numeric/indices.js";
import { MISSING } from "../log/keys.js";
import { columnNamed, type Roles } from "../dataset/dataset.js";
import { idsOf, type FeatureSpace } from "../dataset/vocabulary/vocabulary.js";
import type { WeightedSequences } from "../sampling/skip-grams.js";
import type { Part } from "../training/examples/examples.js";

/** Held-out events in their sessions, whose other events may be those of training. */
export interface HeldOutSequences extends WeightedSequences {
  /** u8, one a token: 1 for those that are held out */
  isHeldOut: Uint8Array;
}

/** What a session is; undefined where no column says it. */
export function sessionGrouping(
  { session, user }: Roles,
  byGap: boolean,
): "gap" | "session" | "user" | undefined {
  if (session === undefined && user === undefined) return undefined;
  return byGap ? "gap" : session !== undefined ? "session" : "user";
}

/** Sequences with what of them is held out; undefined where nothing is. @param part whose events are */
export function heldOutOf(
  sequences: WeightedSequences,
  { dataset, rows }: Part,
): HeldOutSequences | undefined {
  const isValid = new Uint8Array(dataset.numRows);
  for (const row of rows) isValid[row] = 1;
  const isHeldOut = mapTo(Uint8Array, sequences.rows, (row) => isValid[row]!);
  return isHeldOut.includes(1) ? { ...sequences, isHeldOut } : undefined;
}

/** The column whose keys tell the sessions apart, or the users whose events are cut into them. */
export function sessionColumn({ session, user }: Roles, byGap: boolean): string {
  const name = byGap ? user : (session ?? user);
  return name!;
}

/** A part of the same log with the training events of the same sessions, or users. */
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

/** What sessions are, as a sentence. */
export function sessionsNote({ session, user }: Roles, byGap: boolean): string {
  if (byGap) return `sessions are the events of a '${user}' between gaps`;
  return session === undefined
    ? `sessions are all events of a '${user}' (split them at gaps with --session-gap 30m)`
    : `sessions are the values of '${session}'`;
}

/**
 * The tokens of a part's rows, as features.
 *
 * @param weights f32 by row of the dataset: a row that counts 0 has no token
 * @returns u32[rows.length] a column; MISSING where training does not know the key
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
    // of a column on disk, read once
    const { codes } = column;
    return rows.map((row) => {
      const code = codes[row]!;
      const id = code === MISSING || weights?.[row] === 0 ? 0 : ids[code]!;
      return id === 0 ? MISSING : space.offsets[f]! + id;
    });
  });
}
