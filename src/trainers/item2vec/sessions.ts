// The parts of a log as sessions of items, numbered as the features of their field.

import { columnNamed, MISSING, type Roles } from "../../dataset/dataset.js";
import { gapOf, sequencesOf, type Sequences } from "../../dataset/sequences.js";
import { idsOf, type FeatureSpace } from "../../dataset/vocabulary.js";
import { DataError, UsageError } from "../../errors.js";
import type { SgnsPairs } from "../../kernels/sgns/pairs.js";
import type { Part, Parts } from "../../training/examples.js";
import { listsOf, markNotes, marksOf, oversampled, type SessionLists } from "./goals.js";
import { marketsOf } from "./markets.js";
import type { Item2vecOptions, ToldItem2vec } from "./options.js";

export interface Sessions {
  train: Sequences;
  valid: Sequences | undefined;
  /** u32[numFeatures]: events of the training sessions by feature */
  counts: Uint32Array;
  /** what centres meet beside the window */
  beside?: Beside;
}

/** Goals and rejections by session, and markets. */
export interface Beside {
  pairs: SgnsPairs;
  /** u32[numRows of the training part's dataset]: the list of the session that a row is a token of */
  listOfRow: Uint32Array;
  valid: SessionLists | undefined;
}

/** @throws {UsageError} the log says no sessions, or not what options ask for @throws {DataError} none of the training part has two items */
export function sessionsOf(
  space: FeatureSpace,
  { train, valid }: Parts,
  told: ToldItem2vec,
  options: Item2vecOptions,
  { note, warn }: { note: (text: string) => void; warn: (text: string) => void },
): Sessions {
  const gap = told.sessionGap === undefined ? undefined : gapOf(told.sessionGap, "--session-gap");
  const { minLength, maxLength, keepRepeats: repeats } = options;
  const sequences = (part: Part): Sequences => {
    const { session, user } = part.dataset.roles;
    if (session === undefined && user === undefined)
      throw new UsageError(
        "train-item2vec needs what items occur together in: name a column with --session, or the user with --user",
      );
    const by = gap !== undefined ? "gap" : session !== undefined ? "session" : "user";
    const marks = part === train ? trainMarks : marksOf(part, told, false);
    return sequencesOf(part.dataset, part.rows, tokensOf(space, part), {
      ...{ by, minLength, maxLength, repeats },
      ...(gap !== undefined && { gap }),
      ...(marks && { marks }),
    });
  };
  const trainMarks = marksOf(train, told, true);
  if (trainMarks && valid && valid.dataset !== train.dataset)
    throw new UsageError(
      "--goal and --reject need held-out events of the same log: give --valid a share or a date, not a file",
    );
  note(sessionsNote(train.dataset.roles, gap !== undefined));
  const own = sequences(train);
  for (const text of own.notes) note(text);
  if (own.numSessions === 0)
    throw new DataError(
      "no session of the training part has two known items: nothing to learn from; see --session, --session-gap and --min-count",
      { file: train.dataset.inputs.map(({ path }) => path).join(", ") },
    );
  const counts = new Uint32Array(space.numFeatures);
  for (const token of own.tokens) counts[token]!++;
  const sessions = { train: own, valid: valid && sequences(valid), counts };
  if (trainMarks) for (const text of markNotes(own, trainMarks, told)) note(text);
  const { negativesWithin: column, marketNegatives: drawn = 5 } = options;
  if (!trainMarks && column === undefined) return sessions;
  const { lists, ofSession } = listsOf(own);
  const unseen = new Set(lists.rows.filter((row) => counts[row] === 0)).size;
  if (unseen > 0)
    warn(`${unseen} items occur in rejections alone: their vectors are those that training began with`);
  const markets =
    column !== undefined && marketsOf(train, column, { tokens: tokensOf(space, train), counts, drawn }, warn);
  return {
    ...sessions,
    train: oversampled(own, options.goalWeight ?? 1),
    beside: {
      pairs: { lists, ...(markets && { markets }) },
      listOfRow: listsByRow(own, ofSession, train.dataset.numRows),
      valid: sessions.valid && listsOf(sessions.valid),
    },
  };
}

/** u32[numRows]: the list of each token's session, by the row it comes from. */
function listsByRow(
  { numSessions, offsets, rows }: Sequences,
  ofSession: Uint32Array,
  numRows: number,
): Uint32Array {
  const lists = new Uint32Array(numRows);
  for (let s = 0; s < numSessions; s++)
    for (let i = offsets[s]!; i < offsets[s + 1]!; i++) lists[rows[i]!] = ofSession[s]!;
  return lists;
}

/** What sessions are, as a sentence. */
function sessionsNote({ session, user }: Roles, byGap: boolean): string {
  if (byGap) return `sessions are the events of a '${user}' between two gaps`;
  return session === undefined
    ? `sessions are all events of a '${user}' (--session-gap 30m cuts them at pauses)`
    : `sessions are the keys of '${session}'`;
}

/** u32[rows]: each row's item as a feature; MISSING where it has none that training knows. */
function tokensOf(space: FeatureSpace, { dataset, rows }: Part): Uint32Array {
  const [field] = space.fields;
  const column = columnNamed(dataset, field!.name);
  if (field?.kind !== "key" || column.kind !== "key") throw new RangeError("items are keys");
  const ids = idsOf(field, column.dictionary);
  return rows.map((row) => {
    const code = column.codes[row]!;
    const id = code === MISSING ? 0 : ids[code]!;
    return id === 0 ? MISSING : space.offsets[0]! + id;
  });
}
