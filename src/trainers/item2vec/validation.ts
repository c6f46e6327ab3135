// What epochs are evaluated on: the validation part's events in their sessions, and with --metric recall the items that follow others.

import type { Dataset } from "../../dataset/dataset.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Metrics } from "../../embedding/manifest.js";
import { DataError, UsageError } from "../../errors.js";
import type { EpochEvent } from "../../training/epochs/epoch-loop.js";
import type { Parts } from "../../training/examples/examples.js";
import { nextItems, type NextItems } from "./next-items.js";
import type { Item2vecOptions, GivenItem2vec } from "./options.js";
import type { HeldOut } from "../../skip-grams/sessions.js";

export interface Validation {
  heldOut: HeldOut;
  /** recallAtK and ndcgAtK of the next item, where early stopping goes by them */
  nextItems?: NextItems;
}

interface Found {
  space: FeatureSpace;
  heldOut: HeldOut | undefined;
  totals: Float64Array;
  dataset: Dataset;
  parts: Pick<Parts, "valid">;
}

/**
 * The validation of a training; undefined without one.
 *
 * @throws {UsageError} --metric recall without a validation part, or without items @throws {DataError} no item follows another
 */
export function validationOf(
  { space, heldOut, totals, dataset, parts }: Found,
  { metric, ...options }: Item2vecOptions,
  given: GivenItem2vec,
  warn: (text: string) => void,
): Validation | undefined {
  if (!parts.valid) {
    if (given.metric === undefined) return undefined;
    throw new UsageError(`--metric ${metric} is a stopping metric and needs a validation split: set --valid`);
  }
  if (metric === "recall") {
    const f = space.fields.findIndex(({ name }) => name === dataset.roles.item);
    if (f < 0)
      throw new UsageError(
        "--metric recall needs an item column: name it with --item and include it in --tokens",
      );
    const range = [space.offsets[f]!, space.offsets[f + 1]!] as const;
    const validate = heldOut && nextItems(heldOut, range, totals, options);
    if (validate) return { heldOut, nextItems: validate };
    throw new DataError(
      "--metric recall is undefined: no item in the validation split follows another item of its session; " +
        "use --metric loss or another --split",
      { file: dataset.inputs.map(({ path }) => path).join(", ") },
    );
  }
  if (heldOut) return { heldOut };
  warn(
    "no validation event is next to another event of its session: there is no validation loss and no early " +
      "stopping",
  );
  return undefined;
}

/** The metrics of a validation part, from the best epoch. */
export function validMetrics(best: EpochEvent): Metrics {
  const ranking = Object.entries(best).filter(([name]) => /^(recall|ndcg)At/.test(name));
  return { pairLoss: best.validLoss!, ...Object.fromEntries(ranking as [string, number][]) };
}
