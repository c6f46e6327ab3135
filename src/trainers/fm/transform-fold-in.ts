// New users or items from their first events, with the other side of the model fixed: what `transform --fold-in` writes.

import { bindEncoder, firstPair, rowsAt, type FeatureRows } from "../../dataset/rows.js";
import { columnNamed, MISSING, type Dataset } from "../../dataset/dataset.js";
import type { LabelledTask, Task } from "../../dataset/labels.js";
import { idsOf } from "../../dataset/vocabulary.js";
import type { Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import type { EncodedRows } from "../../export/encoded-rows.js";
import type { Composer } from "../../factors/composer.js";
import { foldIn, type FoldInEvents } from "../../factors/fold-in.js";
import { composerOf, machinesOf, readFmModel, type FmRun } from "../learners.js";
import {
  penaltiesOf,
  type FoldIn,
  type FoldingModel,
  type NewEvents,
  type NewKeys,
} from "../../factors/fold-in-job.js";
import { foldInLeastSquares } from "../als/fold-in-run.js";
import { foldInPairs } from "../ranking/fold-in.js";
import { silently, wholeOf } from "../../training/parts.js";
import type { Watch } from "../../training/watch.js";
import { readLikeRun, rowsToScore } from "../../training/read-like-run.js";
import { vectorEncoding } from "./transform.js";
import type { Transformed, TransformOptions } from "../../training/transform-options.js";

/**
 * A vector and a bias for each new key of the events.
 *
 * @throws {UsageError} the events have no new key, or the field is hashed
 */
export async function foldInEvents(run: Run, options: TransformOptions, watch: Watch): Promise<Transformed> {
  const read = await readFmModel(run);
  const { preprocess } = read;
  const composer = await composerOf(run, read);
  const model: FoldingModel = { ...read, composer };
  const { dataset } = await readLikeRun(preprocess, { ...options, on: options.foldIn! }, silently(watch));
  const fresh = newKeysOf(model, dataset, options.field);
  const events = { dataset, ...fresh, rows: rowsOfKeys(fresh) };
  const folded = await foldInBy[preprocess.task](run, model, events, options);
  watch.observe({
    stage: "note",
    text: `${folded.length} new keys of '${fresh.column.name}' from ${events.rows.reduce((n, own) => n + own.length, 0)} events`,
  });
  const encoded = withItemFeatures(model, composer, dataset, fresh, folded);
  const encoding = vectorEncoding(fresh.column.name, composer.dim, folded.length);
  return { encoding, rows: once(encoded), warnings: [] };
}

/** By what a run was trained for. */
const foldInBy: Record<Task, FoldIn> = {
  binary: foldInLabels,
  regression: foldInLabels,
  ranking: foldInPairs,
  implicit: foldInLeastSquares,
};

/** The rows of the dataset that hold each new key. */
function rowsOfKeys({ column, codes }: NewKeys): number[][] {
  const placeOf = new Map(codes.map((code, place) => [code, place]));
  const rows = codes.map((): number[] => []);
  column.codes.forEach((code, row) => {
    const place = placeOf.get(code);
    if (place !== undefined) rows[place]!.push(row);
  });
  return rows;
}

/** From rows with labels, or with negatives drawn as in training. */
async function foldInLabels(
  run: Run,
  model: FoldingModel,
  { dataset, ...fresh }: NewEvents,
  options: TransformOptions,
): Promise<Float64Array[]> {
  const { preprocess } = model;
  const { negatives, task } = preprocess;
  if (fresh.side === "item" && negatives) {
    throw new UsageError(
      "--fold-in of items needs labels: negatives of an event are other items, and say nothing of a new one",
    );
  }
  const { rows } = await rowsToScore(run, model, task as LabelledTask, wholeOf(dataset));
  // where an event's rows begin: it is followed by its negatives
  const starts: number[] = [];
  for (let row = 0; row < rows.numRows; row++) if (!negatives || rows.labels[row] === 1) starts.push(row);
  starts.push(rows.numRows);
  // fitted to each of the draws of a chain, whose mean the table is
  const { machines: all, tableScale } = await machinesOf(run, model);
  const machines = all.map((machine) => ({
    ...machine,
    penalties: penaltiesOf(run, { ...model, ...machine }, fresh, options),
  }));
  const oov = model.space.offsets[fresh.f]!;
  return fresh.rows.map((own) => {
    const pairs = own.flatMap((event) =>
      Array.from({ length: starts[event + 1]! - starts[event]! }, (_, i) => starts[event]! + i),
    );
    const events = rowsAt(rows, pairs);
    const mean = meanOf(machines.map((one) => foldIn(eventsOf(one.composer, events, oov), one.penalties)));
    return mean.map((x, i) => x * (i === 0 ? tableScale : Math.sqrt(tableScale)));
  });
}

function meanOf(all: readonly Float64Array[]): Float64Array {
  return all[0]!.map((_, i) => all.reduce((sum, each) => sum + each[i]!, 0) / all.length);
}

/** Rows that come at once. */
export async function* once(rows: EncodedRows): AsyncGenerator<EncodedRows> {
  yield rows;
}

/** Which side is new, and its keys. @throws {UsageError} none or both, or another than is told */
export function newKeysOf(
  { space, preprocess }: Pick<FmRun, "space" | "preprocess">,
  dataset: Dataset,
  told: NewKeys["side"] | undefined,
): NewKeys {
  const sides = (["user", "item"] as const).flatMap((side): NewKeys[] => {
    const name = preprocess.roles[side];
    const f = space.fields.findIndex((field) => field.name === name);
    const field = space.fields[f];
    if (name === undefined || field?.kind !== "key") return [];
    if (field.hash) {
      if (told !== side) return [];
      throw new UsageError(`--fold-in: field '${name}' is hashed, so that every key has a vector already`);
    }
    const column = columnNamed(dataset, name);
    if (column.kind !== "key") return [];
    const ids = idsOf(field, column.dictionary);
    const codes = Array.from(ids.keys()).filter((code) => ids[code] === 0);
    return [{ side, column, f, codes }];
  });
  if (told) {
    const side = sides.find((one) => one.side === told);
    if (!side) throw new UsageError(`--field ${told}: the run has no field of ${told}s`);
    if (side.codes.length > 0) return side;
    throw new UsageError(`--fold-in: the run knows every key of '${side.column.name}' that the events have`);
  }
  const fresh = sides.filter(({ codes }) => codes.length > 0);
  if (fresh.length === 1) return fresh[0]!;
  throw new UsageError(
    fresh.length === 0
      ? "--fold-in: the run knows every user and every item of the events"
      : "--fold-in: the events have users and items that the run does not know: say which with --field user or --field item",
  );
}

/** What the rows say of their feature `own`, what they are and what they count. */
function eventsOf(composer: Composer, rows: FeatureRows, own: number): FoldInEvents {
  return {
    ...composer.events(rows, own),
    labels: Float64Array.from(rows.labels),
    weights: rows.weights ? Float64Array.from(rows.weights) : new Float64Array(rows.numRows).fill(1),
  };
}

/** A user's own vector; an item's together with the features that its latest event shows. */
function withItemFeatures(
  { space, parameters, preprocess: { itemFields = [] } }: FmRun,
  composer: Composer,
  dataset: Dataset,
  { side, column, f, codes }: NewKeys,
  folded: Float64Array[],
): EncodedRows {
  const latest = new Map<number, number>();
  column.codes.forEach((code, row) => code !== MISSING && latest.set(code, row));
  const beside = side === "user" ? [] : itemFields.filter((name) => name !== column.name);
  const indexes = space.fields.flatMap(({ name }, i) => (i !== f && beside.includes(name) ? [i] : []));
  const eventRows = Uint32Array.from(codes, (code) => latest.get(code)!);
  const features = bindEncoder(space, dataset).encode(eventRows, new Float32Array(codes.length), indexes);

  // each new key in turn stands where the field's unknown keys do
  const own = space.offsets[f]!;
  const { dim } = parameters;
  const [w, vectors] = [parameters.w.slice(), parameters.vectors.slice()];
  const extended = composer.over({ ...parameters, w, vectors });
  const values = new Float32Array(codes.length * composer.dim);
  const biases = Float32Array.from(folded, (theta, i) => {
    w[own] = theta[0]!;
    vectors.set(theta.subarray(1), own * dim);
    const row = withFeature(features, i, own);
    values.set(extended.vectors(row), i * composer.dim);
    return extended.weights(row)[0]!;
  });
  const { bytes, offsets } = column.dictionary;
  return {
    numRows: codes.length,
    values,
    biases,
    keyOf: (row) => bytes.subarray(offsets[codes[row]!], offsets[codes[row]! + 1]),
    labels: new Float32Array(codes.length),
  };
}

/** One of the rows, with a feature before its own. */
function withFeature(rows: FeatureRows, row: number, feature: number): FeatureRows {
  const [from, to] = [firstPair(rows, row), firstPair(rows, row + 1)];
  const values = rows.values?.subarray(from, to) ?? new Float32Array(to - from).fill(1);
  return {
    numRows: 1,
    width: 1 + to - from,
    ids: Uint32Array.of(feature, ...rows.ids.subarray(from, to)),
    values: Float32Array.of(1, ...values),
    labels: new Float32Array(1),
  };
}
