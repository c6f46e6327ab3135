// Converts the splits of a dataset to feature rows with labels: the log's own labels, or events and sampled negatives.

import { columnNamed, type Dataset, type KeyColumn } from "../../dataset/dataset.js";
import { eventWeights, type EventWeightOptions } from "../../dataset/sequences/event-weights.js";
import { labelsOf, type LabelArray, type Labels, type Task } from "../../dataset/labels.js";
import {
  bindEncoder,
  type Encoder,
  type FeatureRows,
  type StoredRows,
  type TrainingRows,
} from "../../dataset/rows.js";
import { isStored, unsorted } from "../../dataset/stored-columns.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { DataError, UsageError } from "../../base/errors.js";
import { streamOf, uniformAt } from "../../base/numeric/hash.js";
import { thoseOf, valuesAt } from "../../base/numeric/indices.js";
import type { RankingJob } from "../session/feature-training.js";
import { NegativeRows, type NegativeOptions } from "../../dataset/sampling/negative-rows.js";
import {
  negativeSource,
  type EventNumbers,
  type NegativeSource,
  type NegativeSourceOptions,
} from "../../dataset/sampling/negatives.js";
import {
  itemCatalogue,
  findItemFields,
  type ItemCatalogue,
  type ItemFields,
} from "../../dataset/item-fields.js";

/** A split: a selection of the rows of a dataset. */
export interface Part {
  dataset: Dataset;
  rows: Uint32Array;
}

export interface Examples {
  task: Task;
  train: TrainingRows;
  /** rows of the validation split; sampled negatives, if any, are the same in every epoch */
  valid?: FeatureRows;
  test?: FeatureRows;
  /** of the training split */
  labelRange: [low: number, high: number];
  /** share of the rows with label 0 that training uses; absent if it uses all */
  negativeShare?: number;
  /** settings and source of sampled negatives; absent for rows with labels */
  negatives?: {
    source: NegativeSource;
    itemFields: string[];
    /** number of training events whose user has all items, so that no negative can be sampled */
    exhausted: number;
  };
  /** events and loss of a task that ranks items; absent for other tasks */
  ranking?: RankingJob;
}

export type LogParts = { train: Part; valid: Part | undefined; test: Part | undefined };

interface LabelOptions extends EventWeightOptions {
  seed: number;
  /** share of the training split's rows with label 0 to keep, selected by a hash of seed and row */
  negativeDownsampling: number;
  positiveFrom?: number;
  task?: Task;
}

/** Encodes rows with the log's own labels. @throws {DataError} all labels of the training split are equal */
export function labelledExamples(
  space: FeatureSpace,
  parts: LogParts,
  { positiveFrom, task: given, seed, negativeDownsampling, ...weighting }: LabelOptions,
): Examples {
  const own = labelsOf(parts.train.dataset, positiveFrom, given);
  const { task } = own;
  const trainRows = downsampled(parts.train.rows, own, negativeDownsampling, seed);
  const weights = eventWeights(parts.train.dataset, trainRows, weighting);
  const labelsAt = ({ dataset, rows }: Part): Float32Array => {
    // splits that are rows of the training split's dataset use its labels, which are parsed already
    const { values } = dataset === parts.train.dataset ? own : labelsOf(dataset, positiveFrom, task);
    return valuesAt(values, rows);
  };
  const encode = (part: Part): FeatureRows => {
    const { dataset, rows } = part;
    const ownWeights = rows === trainRows ? weights.train : weights.of(dataset, rows);
    const labels = labelsAt(part);
    const encoded = bindEncoder(space, dataset).encode(rows, labels);
    // the property is assigned in place, because a copy would call the `ids` getter, which encodes rows whose encoding
    // is deferred
    return ownWeights ? Object.assign(encoded, { weights: ownWeights }) : encoded;
  };
  const valid = parts.valid && encode(parts.valid);
  const test = parts.test && encode(parts.test);
  const train = isStored(parts.train.dataset)
    ? storedExamples(space, { ...parts.train, rows: trainRows }, own.values, weights.train)
    : { kind: "resident" as const, rows: encode({ ...parts.train, rows: trainRows }) };
  const [low, high] = rangeOf(train.rows.labels, task);
  if (low === high) {
    const { numRows } = train.rows;
    throw new DataError(
      (numRows === 1
        ? "there is only one training row"
        : `the label is ${low} in all ${numRows} training rows`) +
        ": training needs at least two different labels" +
        (task === "binary" && high === 1 ? "; for a log of positive events use --negatives N" : ""),
      {
        file: parts.train.dataset.inputs.map(({ path }) => path).join(", "),
        column: parts.train.dataset.roles.label!,
      },
    );
  }
  return {
    task,
    train,
    ...(valid && { valid }),
    ...(test && { test }),
    labelRange: [low, high],
    ...(negativeDownsampling !== 1 && { negativeShare: negativeDownsampling }),
  };
}

/** Returns training rows that are read and encoded block by block. @param labels labels of all rows; overwritten */
function storedExamples(
  space: FeatureSpace,
  part: Part,
  labels: LabelArray,
  weights: Float32Array | undefined,
): TrainingRows & { kind: "stored" } {
  const { rows } = part;
  for (let i = 0; i < rows.length; i++) {
    if (i > 0 && rows[i]! <= rows[i - 1]!) throw unsorted();
    // moves the labels of the split's rows to the start of the array
    labels[i] = labels[rows[i]!]!;
  }
  return storedRows(bindEncoder(space, part.dataset), part, labels.subarray(0, rows.length), weights);
}

/** @param part rows in ascending order */
export function storedRows(
  encoder: Encoder,
  part: Part,
  labels: LabelArray,
  weights: Float32Array | undefined,
): TrainingRows & { kind: "stored" } {
  const rowsAt: StoredRows["rowsAt"] = (first, count) => {
    const end = first + count;
    const own = new Float32Array(labels.subarray(first, end));
    const block = encoder.encode(part.rows.subarray(first, end), own);
    return weights ? { ...block, weights: weights.subarray(first, end) } : block;
  };
  return { kind: "stored", rows: { numRows: labels.length, labels, weights, rowsAt } };
}

function rangeOf(labels: LabelArray, task: Task): [low: number, high: number] {
  if (task === "binary") return [labels.includes(0) ? 0 : 1, labels.includes(1) ? 1 : 0];
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < labels.length; i++) {
    const y = labels[i]!;
    if (y < low) low = y;
    if (y > high) high = y;
  }
  return [low, high];
}

function downsampled(rows: Uint32Array, labels: Labels, share: number, seed: number): Uint32Array {
  if (share === 1) return rows;
  if (labels.task !== "binary") throw new UsageError("--negative-downsampling is for labels of 0 and 1");
  const stream = streamOf(seed, 0);
  return thoseOf(rows, (row) => labels.values[row] === 1 || uniformAt(stream, row) < share);
}

export interface NegativeFields {
  source: NegativeSource;
  /** users and items of the training split's rows; undefined if they are not needed */
  events: EventNumbers | undefined;
  itemFields: string[];
  itemFieldIndexes: number[];
  contextFieldIndexes: number[];
}

/** Finds the items to sample as negatives. @param flag for the message @param given item columns, else inferred */
export function negativeFields(
  space: FeatureSpace,
  { dataset, rows }: Part,
  flag: string,
  given: readonly string[] | undefined,
  options: NegativeSourceOptions,
): NegativeFields {
  const { user, item } = dataset.roles;
  if (item === undefined) throw new UsageError(`${flag} needs an item column: name it with --item`);
  const itemColumn = columnNamed(dataset, item);
  if (itemColumn.kind !== "key")
    throw new UsageError(`the item column '${item}' must not be numeric or multi-valued`);

  if (user !== undefined && columnNamed(dataset, user).kind !== "key") {
    throw new UsageError(`the user column '${user}' must not be numeric or multi-valued`);
  }

  const { itemFields, ...indexes } = itemColumnsOf(space, { dataset, rows }, itemColumn, given);
  const encoder = bindEncoder(space, dataset);
  const negatives = negativeSource(dataset, rows, encoder, itemFields, indexes.itemFieldIndexes, options);
  return { ...negatives, itemFields: itemFields.names, ...indexes };
}

/** Encodes events and their negatives. A negative has its event's user, time and context. */
export function negativeExamples(
  space: FeatureSpace,
  parts: LogParts,
  options: NegativeOptions,
  weighting: EventWeightOptions,
  given: readonly string[] | undefined,
): Examples {
  const { dataset, rows } = parts.train;
  const { source, itemFields, itemFieldIndexes, contextFieldIndexes } = negativeFields(
    space,
    parts.train,
    "--negatives",
    given,
    { minUsers: options.minUsers, needsEvents: false },
  );
  const weights = eventWeights(dataset, rows, weighting);
  const draws = (part: Part) =>
    new NegativeRows(
      source,
      {
        ...part,
        encoder: bindEncoder(space, part.dataset),
        ...{ itemFieldIndexes, contextFieldIndexes },
        weights: part.rows === rows ? weights.train : weights.of(part.dataset, part.rows),
      },
      options,
    );
  const train = draws(parts.train);
  const exhausted = train.numExhausted();
  if (exhausted === rows.length) {
    throw new DataError("cannot sample negatives: every user has every item in the training split", {
      file: dataset.inputs.map(({ path }) => path).join(", "),
      column: dataset.roles.item!,
    });
  }
  return {
    task: "binary",
    train: train.training(),
    ...(parts.valid && { valid: draws(parts.valid).fixed() }),
    ...(parts.test && { test: draws(parts.test).fixed() }),
    labelRange: [0, 1],
    negatives: { source, itemFields, exhausted },
  };
}

type TrainingPart = Pick<Part, "dataset" | "rows">;

interface ItemFieldIndexes {
  itemFields: ItemFields;
  itemFieldIndexes: number[];
  contextFieldIndexes: number[];
}

/**
 * Divides the fields into those of the item and those of the context.
 *
 * @param given columns of the item; inferred when absent
 * @throws {UsageError} one of them is not a field
 */
export function itemColumnsOf(
  space: FeatureSpace,
  { dataset, rows }: TrainingPart,
  item: KeyColumn,
  given: readonly string[] | undefined,
): ItemFieldIndexes {
  const { user } = dataset.roles;
  const names = space.fields.map(({ name }) => name);
  const candidates = names.filter((name) => name !== item.name && name !== user);
  const odd = given?.find((name) => name !== item.name && !candidates.includes(name));
  if (odd !== undefined) {
    const those = [item.name, ...candidates].join(", ");
    throw new UsageError(
      `--item-fields names '${odd}', which is not a feature of the item: possible columns are ${those}`,
    );
  }
  const itemFields = findItemFields(dataset, rows, item, candidates, given);
  const indexes = space.fields.map((_, f) => f);
  const isItems = (f: number) => itemFields.names.includes(space.fields[f]!.name);
  return {
    itemFields,
    itemFieldIndexes: indexes.filter(isItems),
    contextFieldIndexes: indexes.filter((f) => !isItems(f)),
  };
}

interface RunItems {
  catalogue: ItemCatalogue;
  itemFields: string[];
}

/**
 * Collects the items of a log that has its own labels. Returns undefined if the file of negatives stores the items, or
 * if the log has no item column with one key per row, or a hashed one.
 *
 * @throws {UsageError} `itemFields` is given, but no items can be stored
 */
export function itemsOfRun(
  space: FeatureSpace,
  part: TrainingPart,
  { negatives }: { negatives?: unknown },
  { itemFields: given, minUsers }: { itemFields?: string[]; minUsers?: number },
): RunItems | undefined {
  if (negatives) return undefined;
  const { dataset, rows } = part;
  const { item } = dataset.roles;
  const column = item === undefined ? undefined : dataset.columns.find(({ name }) => name === item);
  const field = space.fields.find(({ name }) => name === item);
  const isHashed = field?.kind === "key" && field.hash !== undefined;
  if (column?.kind !== "key" || isHashed) {
    if (!given) return undefined;
    throw new UsageError(
      "--item-fields needs an item column with one key per row and without --hash: name it with --item",
    );
  }
  const { itemFields, itemFieldIndexes } = itemColumnsOf(space, part, column, given);
  const encoder = bindEncoder(space, dataset);
  return {
    catalogue: itemCatalogue(dataset, rows, encoder, itemFields, itemFieldIndexes, minUsers),
    itemFields: itemFields.names,
  };
}
