// What the validation part says of trees that have been grown.

import type { Metrics } from "../../embedding/manifest.js";
import type { GbdtOptions } from "./options.js";
import type { Part } from "../../training/examples.js";
import type { FittedModel } from "./fit.js";
import { constantWarnings, unfinishedWarnings } from "../../training/outcome-warnings.js";

const CONSTANT_ADVICE =
  "Try a larger --min-data-in-leaf or --lambda-l2, or fewer --num-leaves, and check that the label has the " +
  "same meaning in that split";

/** Sentences for the summary. @param metrics of all parts */
export function forestOutcomeWarnings(
  { grown: { epochs, bestEpoch, interrupted }, fitted, weighed }: FittedModel,
  metrics: Record<string, Metrics>,
  valid: Part | undefined,
  { numTrees, patience }: GbdtOptions,
): string[] {
  if (!valid) return [];
  // of several forests none has a course of its own here
  const isOne = epochs.length <= numTrees;
  const course = {
    values: epochs.flatMap(({ validLoss }) => validLoss ?? []),
    better: "lower",
    name: "loss",
    ...{ done: epochs.length, most: numTrees, flag: "--num-trees", best: bestEpoch },
  } as const;
  return [
    ...(isOne && !interrupted ? unfinishedWarnings(course) : []),
    ...constantWarnings(metrics[fitted ? "validTrees" : "valid"]!, weighed(valid), CONSTANT_ADVICE, patience),
  ];
}
