// New users or items of a run of train-als: the closed form of its least squares.

import { columnNamed } from "../../dataset/dataset.js";
import { rowWeights } from "../../dataset/event-weights.js";
import { idsOf } from "../../dataset/vocabulary.js";
import type { Run } from "../../embedding/run-directory.js";
import { foldInImplicit, otherSide } from "./fold-in.js";
import type { FmRun } from "../../factors/run.js";
import { foldInEvents } from "../../factors/fold-in-events.js";
import type { NewEvents } from "../../factors/fold-in-job.js";
import type { Transformed, TransformOptions } from "../../training/transform-options.js";
import type { Watch } from "../../training/watch.js";

/** As foldInEvents. */
export async function foldInByLeastSquares(
  run: Run,
  options: TransformOptions,
  watch: Watch,
): Promise<Transformed> {
  return await foldInEvents(run, options, watch, foldInLeastSquares);
}

/** As FoldIn; the weight is 0. Events whose other side the run does not know say nothing. */
function foldInLeastSquares(
  run: Run,
  { space, preprocess, parameters: { dim, vectors } }: FmRun,
  { dataset, side, rows }: NewEvents,
  told: TransformOptions,
): Float64Array[] {
  const name = preprocess.roles[side === "user" ? "item" : "user"]!;
  const f = space.fields.findIndex((field) => field.name === name);
  const [field, column] = [space.fields[f]!, columnNamed(dataset, name)];
  if (field.kind !== "key" || column.kind !== "key") throw new TypeError(`'${name}' is no column of keys`);
  const ids = idsOf(field, column.dictionary);
  const [first, end] = [space.offsets[f]!, space.offsets[f + 1]!];
  const others = otherSide(dim, vectors.subarray(first * dim, end * dim));
  const { unobservedWeight, l2Exponent, l2Vector } = run.manifest.options as Record<string, number>;
  const options = {
    unobservedWeight: unobservedWeight!,
    l2Exponent: l2Exponent!,
    l2Vector: told.l2Vector ?? l2Vector!,
  };
  return rows.map((own) => {
    const weights = rowWeights(dataset, Uint32Array.from(own), preprocess);
    // events of one pair are one, of all their confidence
    const confidences = new Map<number, number>();
    own.forEach((row, e) => {
      const id = ids[column.codes[row]!] ?? 0;
      if (id !== 0) confidences.set(id, (confidences.get(id) ?? 0) + (weights?.[e] ?? 1));
    });
    return Float64Array.of(0, ...foldInImplicit(others, confidences, options));
  });
}
