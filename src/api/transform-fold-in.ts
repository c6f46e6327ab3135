// New users or items from their first events, with the other side of the model fixed: what `transform --fold-in` writes.

import { bindEncoder, firstPair, rowsAt, type FeatureRows } from "../dataset/rows.js";
import { columnNamed, MISSING, type Dataset, type KeyColumn } from "../dataset/dataset.js";
import { ranksItems } from "../dataset/labels.js";
import { idsOf } from "../dataset/vocabulary.js";
import type { Run } from "../embedding/run-directory.js";
import { UsageError } from "../errors.js";
import type { EncodedRows } from "../export/encoded-rows.js";
import type { Composer } from "../trainers/composer.js";
import { foldIn, priorPenalties, type FoldInEvents, type FoldInOptions } from "../trainers/fold-in.js";
import { composerOf, readFmModel, type FmRun } from "../trainers/learners.js";
import { silently, wholeOf } from "./parts.js";
import type { Watch } from "./progress.js";
import { readLikeRun, rowsToScore } from "./read-like-run.js";
import { vectorEncoding } from "./transform-fm.js";
import type { Transformed, TransformOptions } from "./transform-options.js";

type Side = "user" | "item";

/** The keys of one side that the run does not know. */
interface NewKeys {
  side: Side;
  column: KeyColumn;
  /** the position of its field among the space's */
  f: number;
  /** the codes of the new keys, in order of first appearance */
  codes: number[];
}

/**
 * A vector and a bias for each new key of the events.
 *
 * @throws {UsageError} the run ranks items, the events have no new key, or the field is hashed
 */
export async function foldInEvents(run: Run, options: TransformOptions, watch: Watch): Promise<Transformed> {
  const model = await readFmModel(run);
  const { preprocess } = model;
  const composer = await composerOf(run, model);
  if (ranksItems(preprocess.task)) {
    throw new UsageError(
      `--fold-in fits labels, and run '${run.path}' was trained with --task ${preprocess.task}: there is none for it yet`,
    );
  }
  const { dataset } = await readLikeRun(preprocess, { ...options, on: options.foldIn! }, silently(watch));
  const fresh = newKeysOf(model, dataset, options.field);
  if (fresh.side === "item" && preprocess.negatives) {
    throw new UsageError(
      "--fold-in of items needs labels: negatives of an event are other items, and say nothing of a new one",
    );
  }
  const { rows } = await rowsToScore(run, model, preprocess.task, wholeOf(dataset));
  const penalties = penaltiesOf(run, model, composer, fresh, options);
  const found = fresh.codes.map((code) => ({ code, rows: [] as number[] }));
  const placeOf = new Map(fresh.codes.map((code, place) => [code, place]));
  // an event is followed by its negatives
  let event = -1;
  for (let row = 0; row < rows.numRows; row++) {
    if (!preprocess.negatives || rows.labels[row] === 1) event++;
    const place = placeOf.get(fresh.column.codes[event]!);
    if (place !== undefined) found[place]!.rows.push(row);
  }
  const oov = model.space.offsets[fresh.f]!;
  const folded = found.map((own) => foldIn(eventsOf(composer, rowsAt(rows, own.rows), oov), penalties));
  watch.observe({
    stage: "note",
    text: `${folded.length} new keys of '${fresh.column.name}' from ${found.reduce((n, own) => n + own.rows.length, 0)} rows`,
  });
  const encoded = withItemFeatures(model, composer, dataset, fresh, folded);
  const encoding = vectorEncoding(fresh.column.name, composer.dim, folded.length);
  return { encoding, rows: once(encoded), warnings: [] };
}

/** Rows that come at once. */
export async function* once(rows: EncodedRows): AsyncGenerator<EncodedRows> {
  yield rows;
}

/** Which side is new, and its keys. @throws {UsageError} none or both, or another than is told */
export function newKeysOf(
  { space, preprocess }: Pick<FmRun, "space" | "preprocess">,
  dataset: Dataset,
  told: Side | undefined,
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

/** L2 as it is told, or as the field's known keys have it. */
function penaltiesOf(
  run: Run,
  { preprocess, space, parameters }: FmRun,
  { numBlocks }: Composer,
  { f }: NewKeys,
  told: TransformOptions,
): FoldInOptions {
  const field = space.fields[f]!;
  const loss = preprocess.task === "regression" ? "squared" : "logistic";
  const { valid, train } = run.manifest.metrics as Record<string, { rmse?: number } | undefined>;
  const error = valid?.rmse ?? train?.rmse ?? 1;
  const counts = field.kind === "number" ? new Uint32Array() : field.counts;
  const noise = loss === "squared" ? error * error : 1;
  const prior = priorPenalties(parameters, space.offsets[f]!, counts, noise, numBlocks);
  return { loss, l2Weight: told.l2Weight ?? prior.l2Weight, l2Vector: told.l2Vector ?? prior.l2Vector };
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
