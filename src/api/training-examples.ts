// The examples that a training asks for, and what is said of them.

import type { FeatureSpace } from "../dataset/vocabulary.js";
import { labelledExamples, negativeExamples, type Examples } from "./examples.js";
import type { SplitParts } from "./parts.js";
import type { Watch } from "./progress.js";
import { seedOf, type TrainFmOptions } from "./train-fm-options.js";

/** Rows with the log's labels, or events against negatives. */
export function examplesOf(
  space: FeatureSpace,
  parts: SplitParts["parts"],
  options: TrainFmOptions,
  { observe }: Watch,
): Examples {
  if (options.negatives === 0)
    return labelledExamples(space, parts, {
      ...options,
      negativeDownsampling: options.fm.negativeDownsampling ?? 1,
      seed: seedOf(options),
    });
  const { negatives, noise, itemFields, fm, minUsers = 0 } = options;
  const seed = seedOf(options);
  const examples = negativeExamples(
    space,
    parts,
    { negatives, noise, seed, minUsers, shuffle: fm.shuffle ?? true },
    options,
    itemFields,
  );
  const { exhausted } = examples.negatives!;
  if (exhausted > 0) {
    observe({ stage: "warning", text: `${exhausted} events have no negatives: their user has every item` });
  }
  const [item, ...others] = examples.negatives!.itemFields;
  const how = itemFields ? "as --item-fields says" : "inferred; --item-fields says otherwise";
  const together =
    others.length > 0
      ? `'${item}' together with ${others.map((name) => `'${name}'`).join(", ")}`
      : `'${item}' alone`;
  observe({ stage: "note", text: `a negative replaces ${together} (${how})` });
  return examples;
}
