// A further log as the one that a run was trained on, and its rows as the run's model takes them.

import type { Dataset } from "../../dataset/dataset.js";
import { rowWeights } from "../../dataset/sequences/event-weights.js";
import { labelsOf, type LabelledTask } from "../../dataset/labels.js";
import { numericOf, type Preprocess } from "../../dataset/vocabulary/preprocess.js";
import { bindEncoder, type FeatureRows } from "../../dataset/rows.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../embedding/run-directory.js";
import { NegativeRows } from "../../sampling/negative-rows.js";
import type { Noise } from "../../sampling/noise-distribution.js";
import type { Part } from "../examples/examples.js";
import { definedOf } from "../options/defined.js";
import { readNegatives } from "../examples/negative-file.js";
import type { Watch } from "../session/watch.js";
import { readAsTrained, rolesToEncode, type ReadLike } from "./read-as-trained.js";
import type { ReadDataset } from "./read-dataset.js";

/** Reads a log in a run's roles, with its side tables and filters. */
export async function readLikeRun(preprocess: Preprocess, log: ReadLike, watch: Watch): Promise<ReadDataset> {
  const shape = { numeric: numericOf(preprocess), unlabelled: preprocess.negatives !== null };
  return await readAsTrained(preprocess, log, shape, watch);
}

/**
 * Reads events in a run's roles, of which those named here are asked for beside the item's, where the run has them.
 *
 * @param roles what the caller needs: a log without sessions or times will do where nobody looks at them
 */
export async function readEventsLikeRun(
  preprocess: Preprocess,
  log: ReadLike,
  roles: readonly ("user" | "session" | "time")[],
  watch: Watch,
): Promise<Dataset> {
  const { user, session, time, ...others } = preprocess.roles;
  const named = definedOf({ user, session, time });
  const asked = Object.fromEntries(
    Object.entries(named).filter(([role]) => roles.some((one) => one === role)),
  );
  const { timeFormat, hashKeys } = preprocess;
  const columns = [others.item, ...others.fields, ...Object.values(asked)];
  const shape = {
    unlabelled: true,
    ...asked,
    ...(timeFormat !== undefined && asked["time"] !== undefined && { timeFormat }),
    ...(hashKeys && { hashKeysOf: hashKeys.columns.filter((name) => columns.includes(name)) }),
  };
  const as = { ...preprocess, roles: { ...others, ...asked } };
  return (await readAsTrained(as, log, { numeric: numericOf(preprocess), ...shape }, watch)).dataset;
}

/** Reads rows to encode in a run's roles. @param key a column that is kept as keys beside the features */
export async function readRowsToEncode(
  preprocess: Preprocess,
  log: ReadLike,
  key: string | undefined,
  watch: Watch,
): Promise<Dataset> {
  const as = { ...preprocess, roles: rolesToEncode(preprocess.roles, key) };
  const shape = { numeric: numericOf(preprocess), unlabelled: false };
  return (await readAsTrained(as, log, shape, watch)).dataset;
}

/** Rows that a run's model scores. */
export interface RowsToScore {
  rows: FeatureRows;
  /** u32[rows.numRows]: the row of the dataset that each is made of */
  sources: Uint32Array;
  /** f64, where negatives were drawn: how often each row's item is drawn for an event on average */
  expectedDraws?: Float64Array;
}

/** The log's own labels, or its events against negatives drawn as in training: each event, then its negatives. */
export async function rowsToScore(
  run: Run,
  { space, preprocess }: { space: FeatureSpace; preprocess: Preprocess },
  task: LabelledTask,
  { dataset, rows }: Part,
): Promise<RowsToScore> {
  const encoder = bindEncoder(space, dataset);
  const { negatives, positiveFrom } = preprocess;
  const counted = rowWeights(dataset, rows, preprocess);
  const weighed = counted && { weights: Float32Array.from(counted) };
  if (!negatives) {
    const { values } = labelsOf(dataset, positiveFrom ?? undefined, task);
    const labels = Float32Array.from(rows, (row) => values[row]!);
    return { rows: { ...encoder.encode(rows, labels), ...weighed }, sources: rows };
  }

  const isItems = (name: string) => negatives.itemFields.includes(name);
  const indexes = space.fields.map(({ name }, f) => ({ name, f }));
  const source = await readNegatives(run, preprocess);
  const part = {
    dataset,
    rows,
    encoder,
    ...weighed,
    itemFieldIndexes: indexes.filter(({ name }) => isItems(name)).map(({ f }) => f),
    contextFieldIndexes: indexes.filter(({ name }) => !isItems(name)).map(({ f }) => f),
  };
  const { perEvent, noise } = negatives;
  const options = { negatives: perEvent, noise: noise as Noise, seed: run.manifest.seed, shuffle: false };
  const negativeRows = new NegativeRows(source, part, options);
  const drawn = negativeRows.fixedDraws();
  return {
    rows: drawn.rows,
    sources: drawn.events.map((event) => rows[event]!),
    expectedDraws: negativeRows.expectedDraws(drawn),
  };
}
