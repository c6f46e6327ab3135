// Computes vectors of new users or items from their first events, with all other parameters fixed (`transform
// --fold-in`).

import { mapTo } from "../../../base/numeric/indices.js";
import { MISSING } from "../../../log/keys.js";
import { bindEncoder, firstPair, type FeatureRows } from "../../../dataset/rows.js";
import type { Dataset } from "../../../dataset/dataset.js";
import type { Run } from "../../../table/run-directory.js";
import {
  newKeysOf,
  rowsOfKeys,
  type NewKeys,
  type FoldedKeys,
  type FoldingIn,
} from "../../../training/capabilities/folded-keys.js";
import { silently } from "../../../training/reading/split-parts.js";
import { openAsTrained } from "../../../training/reading/open-as-trained.js";
import type { TransformOptions } from "../../../training/shared-options/transform-options.js";
import type { Watch } from "../../../training/session/watch.js";
import type { Composer } from "./compose.js";
import { readFmModel, type FmRun } from "./artifact.js";
import { composerOfFactors, type ComposerOf } from "./transform.js";
import { priorPenalties, type FoldInOptions } from "./fold-in.js";

/**
 * Returns a vector and a bias for each new key of the events.
 *
 * @param fitting  prepares the fit of the run's kind of model
 * @param together reason why a key's vector depends on other keys of the log, as in FoldingIn
 * @throws {UsageError} the events have no new key, or the field is hashed
 */
export async function foldInEvents(
  run: Run,
  options: TransformOptions,
  watch: Watch,
  fitting: PrepareFit,
  composerOf: ComposerOf = composerOfFactors,
  together?: (model: FmRun) => string | undefined,
): Promise<FoldingIn> {
  const read = await readFmModel(run);
  const composer = await composerOf(run, read);
  const model: FoldingModel = { ...read, composer };
  const fit = await fitting(run, model, options);
  const sum = sumsWithItemFeatures(model);
  return {
    ...{ dim: composer.dim, biased: true },
    together: together?.(model),
    async of(log, mayBeNone) {
      const { dataset } = await openAsTrained(model.preprocess, log, silently(watch));
      const fresh = newKeysOf(model, dataset, { given: options.field, mayBeNone }, watch);
      const events = { dataset, ...fresh, rows: rowsOfKeys(fresh) };
      const folded = await fit(events);
      const numEvents = events.rows.reduce((n, own) => n + own.length, 0);
      return {
        ...{ column: fresh.column, codes: fresh.codes, lack: "has an event" },
        ...sum(dataset, fresh, folded),
        notes: [`${folded.length} new keys of '${fresh.column.name}' from ${numEvents} events`],
      };
    },
  };
}

/** Returns the vector of a user alone, or of an item together with the features of the item's latest event. */
function sumsWithItemFeatures({
  space,
  parameters,
  composer,
  preprocess: { itemFields = [] },
}: FoldingModel): (
  dataset: Dataset,
  fresh: NewKeys,
  folded: Float64Array[],
) => Pick<FoldedKeys, "vectors" | "biases"> {
  const { dim } = parameters;
  const [w, vectors] = [parameters.w.slice(), parameters.vectors.slice()];
  const extended = composer.over({ ...parameters, w, vectors });
  return (dataset, { side, column, f, codes }, folded) => {
    const latest = new Map<number, number>();
    column.codes.forEach((code, row) => code !== MISSING && latest.set(code, row));
    const beside = side === "user" ? [] : itemFields.filter((name) => name !== column.name);
    const indexes = space.fields.flatMap(({ name }, i) => (i !== f && beside.includes(name) ? [i] : []));
    const eventRows = mapTo(Uint32Array, codes, (code) => latest.get(code)!);
    const features = bindEncoder(space, dataset).encode(eventRows, new Float32Array(codes.length), indexes);

    // stores the parameters of each new key in turn in place of those of the field's out-of-vocabulary feature
    const own = space.offsets[f]!;
    const found: Float32Array[] = [];
    const biases = mapTo(Float32Array, folded, (theta, i) => {
      w[own] = theta[0]!;
      vectors.set(theta.subarray(1), own * dim);
      const row = withFeature(features, i, own);
      found.push(Float32Array.from(extended.vectors(row)));
      return extended.weights(row)[0]!;
    });
    return { vectors: found, biases };
  };
}

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

/** New keys with their events: the rows of the dataset that contain each key. */
export interface NewEvents extends NewKeys {
  dataset: Dataset;
  rows: number[][];
}

export interface FoldingModel extends FmRun {
  composer: Composer;
}

/** @returns f64[1 + dim] per key: its weight, followed by its vector */
export type FitNewKeys = (events: NewEvents) => Promise<Float64Array[]> | Float64Array[];

/** Computes everything that does not depend on the events. */
export type PrepareFit = (
  run: Run,
  model: FoldingModel,
  options: TransformOptions,
) => Promise<FitNewKeys> | FitNewKeys;

/** Returns the given L2 penalties, or those implied by the field's known keys. */
export function penaltiesOf(
  run: Run,
  { preprocess, space, parameters, composer: { numBlocks } }: FoldingModel,
  { f }: Pick<NewKeys, "f">,
  given: TransformOptions,
): FoldInOptions {
  const field = space.fields[f]!;
  const loss = preprocess.task === "regression" ? "squared" : "logistic";
  const { valid, train } = run.manifest.metrics as Record<string, { rmse?: number } | undefined>;
  const error = valid?.rmse ?? train?.rmse ?? 1;
  const counts = field.kind === "number" ? new Uint32Array() : field.counts;
  const noise = loss === "squared" ? error * error : 1;
  const prior = priorPenalties(parameters, space.offsets[f]!, counts, noise, numBlocks);
  return { loss, l2Weight: given.l2Weight ?? prior.l2Weight, l2Vector: given.l2Vector ?? prior.l2Vector };
}
