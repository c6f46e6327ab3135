// The parts of a log as sessions of items, numbered as the features of their field.

import { columnNamed, MISSING, type Roles } from "../../dataset/dataset.js";
import { gapOf, sequencesOf } from "../../dataset/sequences.js";
import { idsOf, type FeatureSpace } from "../../dataset/vocabulary.js";
import { DataError, UsageError } from "../../errors.js";
import type { WeightedSequences } from "../../sampling/skip-grams.js";
import type { Part, Parts } from "../../training/examples.js";
import { withWeights, type Counted } from "./counted.js";
import type { Item2vecOptions, ToldItem2vec } from "./options.js";

export interface Sessions {
  train: WeightedSequences;
  valid: WeightedSequences | undefined;
  /** f64[numFeatures]: what the events of the training sessions count together, by feature; their number without weights */
  totals: Float64Array;
}

/** @throws {UsageError} the log says no sessions @throws {DataError} none of the training part has two items */
export function sessionsOf(
  space: FeatureSpace,
  { train, valid }: Parts,
  counted: Counted,
  told: ToldItem2vec,
  options: Item2vecOptions,
  note: (text: string) => void,
): Sessions {
  const gap = told.sessionGap === undefined ? undefined : gapOf(told.sessionGap, "--session-gap");
  const { minLength, maxLength, keepRepeats: repeats } = options;
  const sequences = (part: Part): WeightedSequences => {
    const { session, user } = part.dataset.roles;
    if (session === undefined && user === undefined)
      throw new UsageError(
        "train-item2vec needs what items occur together in: name a column with --session, or the user with --user",
      );
    const by = gap !== undefined ? "gap" : session !== undefined ? "session" : "user";
    const weights = counted.of(part);
    const own = sequencesOf(part.dataset, part.rows, tokensOf(space, part, weights), {
      ...{ by, minLength, maxLength, repeats },
      ...(gap !== undefined && { gap }),
    });
    return withWeights(own, weights);
  };
  note(sessionsNote(train.dataset.roles, gap !== undefined));
  const own = sequences(train);
  const without = train.rows.length - counted.rows.length;
  if (without > 0) note(`${without} events of weight 0 left out`);
  for (const text of own.notes) note(text);
  if (own.numSessions === 0)
    throw new DataError(
      "no session of the training part has two known items: nothing to learn from; see --session, --session-gap and --min-count",
      { file: train.dataset.inputs.map(({ path }) => path).join(", ") },
    );
  const totals = new Float64Array(space.numFeatures);
  own.tokens.forEach((token, i) => (totals[token]! += own.weights ? own.weights[i]! ** 2 : 1));
  return { train: own, valid: valid && sequences(valid), totals };
}

/** What sessions are, as a sentence. */
function sessionsNote({ session, user }: Roles, byGap: boolean): string {
  if (byGap) return `sessions are the events of a '${user}' between two gaps`;
  return session === undefined
    ? `sessions are all events of a '${user}' (--session-gap 30m cuts them at pauses)`
    : `sessions are the keys of '${session}'`;
}

/** u32[rows]: each row's item as a feature; MISSING where it has none that training knows, or counts 0. */
function tokensOf(
  space: FeatureSpace,
  { dataset, rows }: Part,
  weights: Float32Array | undefined,
): Uint32Array {
  const [field] = space.fields;
  const column = columnNamed(dataset, field!.name);
  if (field?.kind !== "key" || column.kind !== "key") throw new RangeError("items are keys");
  const ids = idsOf(field, column.dictionary);
  return rows.map((row) => {
    const code = column.codes[row]!;
    const id = code === MISSING || weights?.[row] === 0 ? 0 : ids[code]!;
    return id === 0 ? MISSING : space.offsets[0]! + id;
  });
}
