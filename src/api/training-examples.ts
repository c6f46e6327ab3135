// The examples that a training asks for, and what is said of them.

import { ranksItems } from "../dataset/labels.js";
import type { FeatureSpace } from "../dataset/vocabulary.js";
import { labelledExamples, negativeExamples, type Examples } from "./examples.js";
import type { SplitParts } from "./parts.js";
import type { Watch } from "./progress.js";
import { rankingExamples } from "./ranking-examples.js";
import { fmOptionsOf, seedOf, type TrainFmOptions } from "./train-fm-options.js";

/** Rows with the log's labels, or events against negatives. */
export function examplesOf(
  space: FeatureSpace,
  parts: SplitParts["parts"],
  options: TrainFmOptions,
  watch: Watch,
): Examples {
  const { observe } = watch;
  const { task, ...others } = options;
  if (ranksItems(task)) {
    const { itemFields, minUsers = 0, ranking = {} } = options;
    const { seed, threads } = fmOptionsOf(options, "logistic");
    const how = {
      task,
      seed,
      threads,
      minUsers,
      ranking,
      weighting: options,
      ...(itemFields && { itemFields }),
    };
    const examples = rankingExamples(space, parts, how, watch);
    if (task === "ranking") observe({ stage: "note", text: togetherNote(examples, itemFields) });
    return examples;
  }
  if (options.negatives === 0) {
    return labelledExamples(space, parts, {
      ...others,
      ...(task && { task }),
      negativeDownsampling: options.fm.negativeDownsampling ?? 1,
      seed: seedOf(options),
      beside: options.out,
    });
  }
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
  observe({ stage: "note", text: togetherNote(examples, itemFields) });
  return examples;
}

/** Which columns a negative replaces. */
function togetherNote({ negatives }: Examples, told: string[] | undefined): string {
  const [item, ...others] = negatives!.itemFields;
  const how = told ? "as --item-fields says" : "inferred; --item-fields says otherwise";
  const together =
    others.length > 0
      ? `'${item}' together with ${others.map((name) => `'${name}'`).join(", ")}`
      : `'${item}' alone`;
  return `a negative replaces ${together} (${how})`;
}
