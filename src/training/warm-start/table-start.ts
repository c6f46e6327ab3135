// The table of an earlier run, of any trainer, by field and key: what vectors of another kind of model start from (--init).
//
//   run ──► its features (of a model, or of a table alone) ──► rows by feature of the training's space
//
// Vectors are taken of whatever the run holds a vector a key of; weights and w0 where they are log-odds or predictions of the
// same task, as those of a factorization machine are.

import { featureSpace, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Task } from "../../dataset/labels.js";
import type { Roles } from "../../dataset/dataset.js";
import { NEVER } from "../../dataset/vocabulary/last-seen.js";
import type { Carried } from "../../embedding/manifest.js";
import { openRun, type Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import type { KeyVectors } from "../capabilities/key-vectors.js";
import type { Capable } from "../capabilities/model.js";
import { carriedOf, featuresFrom, rowsFrom } from "./carried-keys.js";
import { NONE } from "./key-history.js";

/** An earlier table by feature of the space. */
export interface TableStart {
  /** u8[numFeatures]: 1 for features that the table has */
  known: Uint8Array;
  /** f32[numFeatures * dim]; 0 for features that are not known */
  vectors: Float32Array;
  /** f32[numFeatures], where the table's weights are of the same kind of score */
  w?: Float32Array;
  /** likewise */
  w0?: number;
}

/** What a run has a vector of. */
export interface EarlierTable extends KeyVectors {
  run: Run;
}

/**
 * Opens the run of --init.
 *
 * @param dim as the user says it, if at all
 * @param capable finds what a run of any trainer can do
 * @param what    starts from it: `a network`
 * @throws {UsageError} the run has no vector a key, or vectors of another length @throws {ArtifactError} damaged
 */
export async function openTableStart(
  init: string,
  dim: number | undefined,
  capable: Capable,
  what: string,
): Promise<EarlierTable> {
  const run = await openRun(init);
  const found = await (await capable(run, "vectors", `cannot start ${what} (--init)`))(run);
  if (dim === undefined || dim === found.dim) return { run, ...found };
  throw new UsageError(
    `--init '${init}' has vectors of dim ${found.dim}, but --dim is ${dim}: omit --dim, or train without --init`,
  );
}

/** A start, what became of the table's keys, and what is said of it. */
export interface StartFromTable {
  table: TableStart;
  carried: Carried;
  notes: string[];
  warnings: string[];
}

/**
 * The table by feature of the training's space.
 *
 * @param roles of the log: a table's field `user` or `item` is their column
 * @throws {UsageError} none of the log's fields is one of the table's
 */
export function startFrom(
  earlier: EarlierTable,
  space: FeatureSpace,
  roles: Pick<Roles, "user" | "item">,
  task: Task,
): StartFromTable {
  const { run, dim, vectors, weights, hasUnknown } = earlier;
  const before = namedAsLog(earlier.space, space, roles);
  const from = featuresFrom(space, before);
  // a table alone has no row for unknown keys
  if (!hasUnknown)
    for (const [f, { kind }] of space.fields.entries()) if (kind !== "number") from[space.offsets[f]!] = NONE;
  const known = Uint8Array.from(from, (feature) => (feature === NONE ? 0 : 1));
  const isHere = ({ name }: { name: string }) => space.fields.some((field) => field.name === name);
  if (!before.fields.some(isHere)) {
    const names = (of: FeatureSpace) => of.fields.map(({ name }) => `'${name}'`).join(", ");
    throw new UsageError(
      `--init '${run.path}' has no field in common with the log: the run has ${names(before)}, the log has ` +
        names(space),
    );
  }
  const isAlike = weights?.task === task;
  const table: TableStart = {
    known,
    vectors: rowsFrom(vectors, from, dim),
    ...(isAlike && weights.w && { w: rowsFrom(weights.w, from, 1) }),
    ...(isAlike && weights.w0 !== undefined && { w0: weights.w0 }),
  };
  const carried = { run: run.path, ...carriedOf(space, before, from, seenIn(space, before, from)) };
  const lacking = space.fields.filter(({ name }) => !before.fields.some((field) => field.name === name));
  return {
    table,
    carried,
    notes: [
      `warm start from '${run.path}': ${carried.kept} keys found, ${carried.new} new keys initialized at random` +
        (carried.unseen > 0 ? `; ${carried.unseen} of its keys are kept without training rows` : "") +
        (carried.expired > 0 ? `; ${carried.expired} of its keys are not in the training split` : ""),
      ...(weights && !isAlike
        ? ["its weights belong to a different model and are ignored: only vectors are used"]
        : []),
    ],
    warnings: lacking.map(
      ({ name }) => `field '${name}' has no rows in run '${run.path}' and is initialized at random`,
    ),
  };
}

/** f64[before.numFeatures]: NEVER for keys that the training part lacks, else 0. */
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

/** The keys of the run are in the vocabulary, whether the training part has them or not: `known` of prepareNet. */
export function keysOf({ space: before }: EarlierTable) {
  return (space: FeatureSpace, roles: Pick<Roles, "user" | "item">): FeatureSpace =>
    namedAsLog(before, space, roles);
}

/** Fields of a table that are called user or item, under the column's name. */
function namedAsLog(
  before: FeatureSpace,
  space: FeatureSpace,
  { user, item }: Pick<Roles, "user" | "item">,
): FeatureSpace {
  const has = (name: string) => space.fields.some((field) => field.name === name);
  const columns: Record<string, string | undefined> = { user, item };
  const fields = before.fields.map((field) => {
    const column = Object.hasOwn(columns, field.name) ? columns[field.name] : undefined;
    return column !== undefined && !has(field.name) && has(column) ? { ...field, name: column } : field;
  });
  return featureSpace(fields);
}
