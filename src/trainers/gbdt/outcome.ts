// What the validation part says of trees that have been grown.

import type { Metrics, VectorsAdd } from "../../embedding/manifest.js";
import type { GbdtOptions } from "./options.js";
import type { Part } from "../../training/examples/examples.js";
import type { FittedModel } from "./fit.js";
import {
  constantWarnings,
  unfinishedWarnings,
  vectorWarnings,
} from "../../training/warnings/outcome-warnings.js";

const CONSTANT_ADVICE =
  "Try a larger --min-data-in-leaf or --lambda-l2, or fewer --num-leaves, and check that the label has the " +
  "same meaning in that split";

const HEAD_ADVICE = "Omit --head: the values of the leaves predict as well, or try a larger --head-l2";

/** Sentences for the summary. @param metrics of all parts */
export function forestOutcomeWarnings(
  { grown: { epochs, bestEpoch, interrupted }, fitted, weighed }: FittedModel,
  metrics: Record<string, Metrics>,
  vectorsAdd: VectorsAdd | undefined,
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
  const ofTrees = metrics[fitted ? "validTrees" : "valid"]!;
  const constant = constantWarnings(ofTrees, weighed(valid), CONSTANT_ADVICE, patience);
  return [
    ...(isOne && !interrupted ? unfinishedWarnings(course) : []),
    ...constant,
    // without a head the control is the mean label, too
    ...(constant.length === 0 || fitted
      ? vectorWarnings(vectorsAdd, fitted ? HEAD_ADVICE : CONSTANT_ADVICE)
      : []),
  ];
}
