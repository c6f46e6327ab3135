// Converts the splits of a log to sessions of tokens; a token is a feature of the vocabulary, such as an item.

import { MISSING } from "../../log/keys.js";
import { type Roles, columnNamed, type Dataset } from "../../dataset/dataset.js";
import { gapOf, sequencesOf, type Sequences } from "../../dataset/sequences/sequences.js";
import { releaseColumns } from "../../dataset/stored-columns.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { DataError, UsageError, nearestName } from "../../base/errors.js";
import type { SgnsPairs } from "../../compute/kernels/sgns/binding.js";
import type { WeightedSequences } from "../../dataset/sampling/skip-grams.js";
import type { Part, LogParts } from "../../training/examples/examples.js";
import {
  withWeights,
  type Counted,
  heldOutOf,
  inTheirSessions,
  sessionColumn,
  sessionGrouping,
  sessionsNote,
  tokensOf,
  type HeldOutSequences,
} from "../shared/skip-grams/sessions.js";
import { markedLists, markNotes, marksOf, oversampled, type SessionLists, marketsOf } from "./goals.js";
import type { Item2vecOptions, GivenItem2vec } from "./options.js";
import { featuresNamed, featuresOfRoles } from "../../training/reading/users-and-items.js";

interface Sessions {
  train: WeightedSequences;
  /** held-out events; undefined if no held-out event is next to another event of its session */
  valid: HeldOutSequences | undefined;
  /** f64[numFeatures]: total weight of the events in training sessions; without weights, their number */
  totals: Float64Array;
  beside?: Beside;
}

/** Contexts and negatives outside of the window. */
export interface Beside {
  pairs: SgnsPairs;
  /** u32[numRows of the training dataset]: index of the list of goals and rejections of the row's session */
  listOfRow: Uint32Array;
  valid: SessionLists | undefined;
}

export function sessionsOf(
  space: FeatureSpace,
  { train, valid }: LogParts,
  counted: Counted,
  given: GivenItem2vec,
  options: Item2vecOptions,
  { note, warn }: { note: (text: string) => void; warn: (text: string) => void },
): Sessions {
  const gap = given.sessionGap === undefined ? undefined : gapOf(given.sessionGap, "--session-gap");
  const { minLength, maxLength, keepRepeats: repeats } = options;
  const trainMarks = marksOf(train, given, true);
  if (trainMarks && valid && valid.dataset !== train.dataset)
    throw new UsageError(
      "--goal and --reject need held-out events of the same log: set --valid to a share or a date instead of " +
        "a file",
    );
  const sequences = (part: Part): WeightedSequences => {
    const by = sessionGrouping(part.dataset.roles, gap !== undefined);
    if (!by)
      throw new UsageError("train-item2vec needs a session column (--session) or a user column (--user)");
    const weights = counted.of(part);
    const columns = tokenColumns(part.dataset, options.tokens);
    const fields = tokensOf(space, part, columns, weights);
    const marks = part === train ? trainMarks : marksOf(part, given, false);
    releaseColumns(part.dataset);
    const own = sequencesOf(part.dataset, part.rows, fields, {
      ...{ by, minLength, maxLength, repeats },
      gap,
      ...(marks && { marks: { of: marks, tokens: fields[itemAt(columns, part.dataset.roles)]! } }),
    });
    if (part === train) {
      for (const [f, tokens] of fields.entries()) {
        const missing = tokens.reduce((sum, token) => sum + (token === MISSING ? 1 : 0), 0);
        if (missing > 0)
          own.notes.unshift(`${missing} cells of '${columns[f]}' are empty or rare and contribute no token`);
      }
    }
    return withWeights(own, weights);
  };
  note(sessionsNote(train.dataset.roles, gap !== undefined));
  const own = sequences(train);
  for (const text of own.notes) note(text);
  if (own.numSessions === 0)
    throw new DataError(
      "no session in the training split has two events with known items: check --session, --session-gap and " +
        "--min-count",
      { file: train.dataset.inputs.map(({ path }) => path).join(", ") },
    );
  const totals = new Float64Array(space.numFeatures);
  own.tokens.forEach((token, i) => (totals[token]! += own.weights ? own.weights[i]! ** 2 : 1));
  if (trainMarks) for (const text of markNotes(own, trainMarks, given)) note(text);
  if (given.reject !== undefined)
    warn(
      "--reject applies only to training: evaluate and transform --fold-in treat all events as positive, so " +
        "use logs without rejections there",
    );
  const beside = besideOf(space, train, { own, totals, isMarked: trainMarks !== undefined }, options, warn);
  const made = {
    train: beside ? oversampled(own, options.goalWeight ?? 1) : own,
    valid: undefined,
    totals,
    beside,
  };
  if (!valid) return made;
  const found = sequences(
    inTheirSessions(train, valid, sessionColumn(valid.dataset.roles, gap !== undefined)),
  );
  const heldOut = heldOutOf(found, valid);
  if (!heldOut) return made;
  return {
    ...made,
    valid: heldOut,
    ...(beside && { beside: { ...beside, valid: markedLists(found) } }),
  };
}

/** Returns undefined if no option asks for contexts and negatives in addition to the window. */
function besideOf(
  space: FeatureSpace,
  train: Part,
  { own, totals, isMarked }: { own: WeightedSequences; totals: Float64Array; isMarked: boolean },
  { negativesWithin: name, marketNegatives: drawn = 5, tokens }: Item2vecOptions,
  warn: (text: string) => void,
): Beside | undefined {
  if (!isMarked && name === undefined) return undefined;
  const columns = tokenColumns(train.dataset, tokens);
  const item = columns[itemAt(columns, train.dataset.roles)]!;
  const [items] = tokensOf(space, train, [item], undefined);
  const markets =
    name !== undefined && marketsOf(train, name, { tokens: items!, counts: totals, drawn }, warn);
  const { lists, ofSession } = markedLists(own);
  return {
    pairs: { lists, ...(markets && { markets }) },
    listOfRow: listsByRow(own, ofSession, train.dataset.numRows),
    valid: undefined,
  };
}

function itemAt(columns: readonly string[], { item }: Roles): number {
  const at = columns.findIndex((name) => name === item);
  if (at >= 0) return at;
  throw new UsageError(
    "--goal, --reject and --negatives-within need an item column: name it with --item and include it in " +
      "--tokens",
  );
}

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

/**
 * Returns the columns whose cells become tokens, in the order of `tokens`; the names `user` and `item` in it denote the
 * columns in these roles, unless a column has that name.
 */
function tokenColumns(
  { columns, roles }: Pick<Dataset, "columns"> & { roles: Pick<Roles, "user" | "item"> },
  tokens: readonly string[] = ["item"],
): string[] {
  const isColumn = (name: string) => columns.some((column) => column.name === name);
  return tokens.map((name) =>
    !isColumn(name) && (name === "user" || name === "item") ? (roles[name] ?? name) : name,
  );
}

/** Returns the dataset whose features are the tokens' columns, and a note on ignored columns. */
export function acceptTokens(
  dataset: Dataset,
  command: string,
  tokens: readonly string[] | undefined,
): { dataset: Dataset; notes: string[] } {
  if (!tokens) return featuresOfRoles(dataset, command, ["item"]);
  const names = tokenColumns(dataset, tokens);
  const columns = dataset.columns.map(({ name }) => name);
  names.forEach((name, i) => {
    if (!columns.includes(name)) {
      const near = nearestName(name, columns);
      const hint = near === undefined ? `the columns are ${columns.join(", ")}` : `did you mean '${near}'?`;
      throw new UsageError(
        `--tokens names column '${name}', which is not in the log or is excluded by --fields or --ignore: ` +
          hint,
      );
    }
    if (columnNamed(dataset, name).kind !== "key")
      throw new UsageError(
        `--tokens needs one key per row, but the column '${name}' is numeric or multi-valued: use --fields ` +
          "to declare key columns",
      );
    if (names.indexOf(name) < i) throw new UsageError(`--tokens names column '${name}' twice`);
  });
  return featuresNamed(dataset, command, names, `the tokens ${names.map((name) => `'${name}'`).join(", ")}`);
}
