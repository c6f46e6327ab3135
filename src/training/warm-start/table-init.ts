// --init of a model of another kind: starts from the table of any trainer's run, matched by field and key.
//
//   run ──► its features (of a model, or of a table only) ──► rows by feature of the training's vocabulary
//
// Any run with a vector per key is accepted. Its weights and w0 are used only if they are log-odds or predictions of
// the same task, as in a factorization machine.

import type { Task } from "../../dataset/labels.js";
import type { Roles } from "../../dataset/dataset.js";
import { withKnown } from "../../dataset/vocabulary/known-keys.js";
import { NEVER } from "../../dataset/vocabulary/last-seen.js";
import { featureSpace, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Carried } from "../../table/manifest.js";
import { openRun, type Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import type { KeyVectors } from "../capabilities/key-vectors.js";
import type { Capable } from "../capabilities/model.js";
import {
  carryRows,
  countCarried,
  featuresFrom,
  knownFeatures,
  nextHistory,
  NONE,
  withoutUnknown,
  type FittedVocabulary,
  type Vocabulary,
} from "./carried-keys.js";
import { checkDim } from "./init-run.js";

/** The table of a run, by feature of the training's vocabulary. */
export interface TableStart {
  /** u8[numFeatures]: 1 for features that are in the table */
  known: Uint8Array;
  /** f32[numFeatures * dim]: vectors; 0 for features that are not in the table */
  vectors: Float32Array;
  /** f32[numFeatures]: linear weights of the features; absent if the table's run predicts another target */
  w?: Float32Array;
  /** bias w0; absent if the table's run predicts another target */
  w0?: number;
}

/** The run that --init names, with its vectors. */
export interface TableInit extends KeyVectors {
  run: Run;
}

type NamedRoles = Pick<Roles, "user" | "item">;

/**
 * Opens the run that --init names.
 *
 * @param dim value of --dim, if the option is set
 * @param capable finds capabilities of any trainer's runs
 * @param what model that will start from it, for messages: `a network`
 * @throws {UsageError} the run has no vectors, or their dimension differs
 * @throws {ArtifactError} damaged
 */
export async function openTableInit(
  init: string,
  dim: number | undefined,
  capable: Capable,
  what: string,
): Promise<TableInit> {
  const run = await openRun(init);
  const found = await (await capable(run, "vectors", `cannot start ${what} (--init)`))(run);
  checkDim(run, found.dim, dim);
  return { run, ...found };
}

/** Adds all keys of the table to the vocabulary of this log, including keys that do not occur in the training split. */
export function withTableKeys(
  table: TableInit,
  { fitted, dataset, rows, rowOrder }: FittedVocabulary,
): Vocabulary {
  const before = namedAsLog(table.space, fitted, dataset.roles);
  const known = (name: string) => before.fields.find((field) => field.name === name);
  const space = withKnown(fitted, dataset, rows, known, rowOrder);
  return { space, history: nextHistory(space, dataset), notes: [], warnings: [] };
}

interface StartFromTable {
  table: TableStart;
  carried: Carried;
  notes: string[];
  warnings: string[];
}

/**
 * Rearranges the table by feature of the training's vocabulary.
 *
 * @param roles roles of the log, whose columns correspond to the fields `user` and `item` of a table
 * @param unused name of a field whose vectors the training does not use
 * @throws {UsageError} the log and the table have no field in common
 */
export function startFromTable(
  { run, vectors, weights, hasUnknown, space: earlier }: TableInit,
  space: FeatureSpace,
  roles: NamedRoles,
  { task, unused }: { task: Task; unused?: string | undefined },
): StartFromTable {
  const before = namedAsLog(earlier, space, roles);
  const all = featuresFrom(space, before);
  const from = hasUnknown ? all : withoutUnknown(all, space);
  const isIn = ({ fields }: FeatureSpace, name: string) => fields.some((field) => field.name === name);
  if (!before.fields.some(({ name }) => isIn(space, name))) {
    const names = (of: FeatureSpace) => of.fields.map(({ name }) => `'${name}'`).join(", ");
    throw new UsageError(
      `--init '${run.path}' has no field in common with the log: the run has ${names(before)}, the log has ` +
        names(space),
    );
  }
  const isAlike = weights?.task === task;
  const w = isAlike ? weights.w : undefined;
  const carried = { run: run.path, ...countCarried(space, before, from, seenIn(space, before, from)) };
  return {
    table: {
      known: knownFeatures(from),
      ...carryRows({ vectors, ...(w && { w }) }, from, before),
      ...(isAlike && weights.w0 !== undefined && { w0: weights.w0 }),
    },
    carried,
    notes: [
      `warm start from '${run.path}': ${carried.kept} keys found, ${carried.new} new keys initialized at random` +
        (carried.unseen > 0 ? `; ${carried.unseen} of its keys are kept without training rows` : "") +
        (carried.expired > 0 ? `; ${carried.expired} of its keys are not in the training split` : ""),
      ...(weights && !isAlike
        ? ["its weights belong to a different model and are ignored: only vectors are used"]
        : []),
    ],
    warnings: space.fields
      .filter(({ name }) => name !== unused && !isIn(before, name))
      .map(({ name }) => `field '${name}' has no rows in run '${run.path}' and is initialized at random`),
  };
}

/** Returns f64[before.numFeatures]: NEVER if the feature's key is in the vocabulary without training rows, else 0. */
function seenIn(space: FeatureSpace, before: FeatureSpace, from: Uint32Array): Float64Array {
  const seen = new Float64Array(before.numFeatures);
  space.fields.forEach((field, f) => {
    if (field.kind === "number") return;
    field.counts.forEach((count, id) => {
      const earlier = from[space.offsets[f]! + id]!;
      if (count === 0 && earlier !== NONE) seen[earlier] = NEVER;
    });
  });
  return seen;
}

/** Renames the fields `user` and `item` of a table to the columns of the log with these roles. */
function namedAsLog(before: FeatureSpace, space: FeatureSpace, { user, item }: NamedRoles): FeatureSpace {
  const has = (name: string) => space.fields.some((field) => field.name === name);
  const columns: Record<string, string | undefined> = { user, item };
  const fields = before.fields.map((field) => {
    const column = Object.hasOwn(columns, field.name) ? columns[field.name] : undefined;
    return column !== undefined && !has(field.name) && has(column) ? { ...field, name: column } : field;
  });
  return featureSpace(fields);
}
