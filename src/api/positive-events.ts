// Logs of positive events alone, for tasks that rank: every row is an event of a user and an item.

import { eventWeights, type EventWeightOptions } from "../dataset/event-weights.js";
import { columnNamed, type Dataset } from "../dataset/dataset.js";
import { bindEncoder, type FeatureRows } from "../dataset/rows.js";
import type { FeatureSpace } from "../dataset/vocabulary.js";
import { UsageError } from "../errors.js";
import type { FmTask } from "../trainers/fm/options.js";
import type { Examples, Part } from "./examples.js";

/** What may contradict that every row is an event. */
interface EventOptions {
  task?: FmTask;
  negatives: number;
  positiveFrom?: number;
  oovDropout?: number;
}

/** @throws {UsageError} an option makes labels or hides keys, which positive events have not */
export function checkPositiveEvents(
  { roles }: Dataset,
  { task, negatives, positiveFrom, oovDropout = 0 }: EventOptions,
): void {
  if (roles.label !== undefined) {
    throw new UsageError(
      `--task ${task} takes every row as an event, but '${roles.label}' is the label: keep the positive rows ` +
        `(--where '${roles.label} > 0') and --ignore ${roles.label}`,
    );
  }
  const flag =
    negatives > 0
      ? "--negatives"
      : positiveFrom !== undefined
        ? "--positive-from"
        : oovDropout > 0
          ? "--oov-dropout"
          : "";
  if (flag)
    throw new UsageError(`${flag} does not go with --task ${task}, which takes every row as an event`);
}

/**
 * The dataset with user and item as its only features.
 *
 * @returns with the other features' names
 * @throws {UsageError} there is no user or item column of one key a row
 */
export function usersAndItems(dataset: Dataset, task: FmTask): { dataset: Dataset; leftOut: string[] } {
  const { roles } = dataset;
  for (const role of ["user", "item"] as const) {
    const name = roles[role];
    if (name === undefined)
      throw new UsageError(`--task ${task} needs a column of ${role}s: name it with --${role}`);
    if (columnNamed(dataset, name).kind !== "key") {
      throw new UsageError(
        `--task ${task} needs one key a row, but the ${role} column '${name}' is numeric or several-valued`,
      );
    }
  }
  const wanted = [roles.user!, roles.item!];
  const features = [...roles.fields, ...roles.numeric, ...Object.keys(roles.multi)];
  const fields = dataset.columns.map(({ name }) => name).filter((name) => wanted.includes(name));
  return {
    dataset: { ...dataset, roles: { ...roles, fields, numeric: [], multi: {} } },
    leftOut: features.filter((name) => !wanted.includes(name)),
  };
}

/** Events as feature rows, labelled 1. */
export function positiveExamples(
  space: FeatureSpace,
  { train, valid, test }: { train: Part; valid: Part | undefined; test: Part | undefined },
  { task, ...weighting }: EventWeightOptions & { task: FmTask },
): Examples {
  const weights = eventWeights(train.dataset, train.rows, weighting);
  const encode = ({ dataset, rows }: Part): FeatureRows => {
    const own = rows === train.rows ? weights.train : weights.of(dataset, rows);
    const encoded = bindEncoder(space, dataset).encode(rows, new Float32Array(rows.length).fill(1));
    return { ...encoded, ...(own && { weights: own }) };
  };
  return {
    task,
    train: { kind: "resident", rows: encode(train) },
    ...(valid && { valid: encode(valid) }),
    ...(test && { test: encode(test) }),
    labelRange: [1, 1],
  };
}
