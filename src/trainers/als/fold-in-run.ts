// New users or items of a run of train-als: the closed form of its least squares.

import { columnNamed } from "../../dataset/dataset.js";
import { rowWeights } from "../../dataset/sequences/event-weights.js";
import { idsOf } from "../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../embedding/run-directory.js";
import { foldInImplicit, otherSide, type OtherSide } from "./fold-in.js";
import type { FmRun } from "../../factors/artifact.js";
import { foldInEvents } from "../../factors/fold-in-events.js";
import type { Fit, NewEvents } from "../../factors/fold-in-job.js";
import type { FoldingIn } from "../../training/capabilities/folded-keys.js";
import type { TransformOptions } from "../../training/options/transform-options.js";
import type { Watch } from "../../training/session/watch.js";

/** As foldInEvents. */
export async function foldInByLeastSquares(
  run: Run,
  options: TransformOptions,
  watch: Watch,
): Promise<FoldingIn> {
  return await foldInEvents(run, options, watch, fitLeastSquares);
}

/** The weight of a key is 0. Events whose other side the run does not know say nothing. */
function fitLeastSquares(
  run: Run,
  { space, preprocess, parameters: { dim, vectors } }: FmRun,
  given: TransformOptions,
): Fit {
  const { unobservedWeight, l2Exponent, l2Vector } = run.manifest.options as Record<string, number>;
  const options = {
    unobservedWeight: unobservedWeight!,
    l2Exponent: l2Exponent!,
    l2Vector: given.l2Vector ?? l2Vector!,
  };
  /** by the side that is new */
  const known = new Map<NewEvents["side"], OtherSide>();
  return ({ dataset, side, rows }) => {
    const name = preprocess.roles[side === "user" ? "item" : "user"]!;
    const f = space.fields.findIndex((field) => field.name === name);
    const [field, column] = [space.fields[f]!, columnNamed(dataset, name)];
    if (field.kind !== "key" || column.kind !== "key") throw new TypeError(`'${name}' is not a key column`);
    const ids = idsOf(field, column.dictionary);
    const [first, end] = [space.offsets[f]!, space.offsets[f + 1]!];
    const others = known.get(side) ?? otherSide(dim, vectors.subarray(first * dim, end * dim));
    known.set(side, others);
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
  };
}
