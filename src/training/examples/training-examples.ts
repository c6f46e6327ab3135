// Creates the examples of a training with labels, and reports unusual properties.

import type { EventWeightOptions } from "../../dataset/sequences/event-weights.js";
import type { LabelledTask } from "../../dataset/labels.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Noise } from "../../sampling/noise-distribution.js";
import { labelledExamples, negativeExamples, type Examples } from "./examples.js";
import type { SplitParts } from "../reading/split-parts.js";
import { labelWarnings } from "../warnings/training-warnings.js";
import type { Watch } from "../session/watch.js";

/** Options of the examples of a training that predicts labels. */
export interface ExampleRequest extends EventWeightOptions {
  /** task; inferred from the labels when absent */
  task?: LabelledTask;
  positiveFrom?: number;
  /** number of negatives per event, for a log without labels; 0 for a log with labels */
  negatives: number;
  noise: Noise;
  /** columns that describe the item; inferred when absent */
  itemFields?: string[];
  minUsers?: number;
  seed: number;
  shuffle: boolean;
  /** share of the rows with label 0 that training uses */
  negativeDownsampling: number;
}

/** Returns rows with the log's labels, or events with sampled negatives, depending on the request. */
export function labelledOrDrawn(
  space: FeatureSpace,
  parts: SplitParts["parts"],
  request: ExampleRequest,
  { observe }: Watch,
): Examples {
  const { negatives, noise, itemFields, seed, shuffle, minUsers = 0 } = request;
  if (negatives === 0) {
    const labelled = labelledExamples(space, parts, request);
    if (labelled.task === "binary") return labelled;
    for (const text of labelWarnings(parts.train.dataset, request)) observe({ stage: "warning", text });
    return labelled;
  }
  const examples = negativeExamples(
    space,
    parts,
    { negatives, noise, seed, minUsers, shuffle },
    request,
    itemFields,
  );
  const { exhausted } = examples.negatives!;
  if (exhausted > 0) {
    observe({
      stage: "warning",
      text: `${exhausted} events have no negatives because their user has every item`,
    });
  }
  observe({ stage: "note", text: togetherNote(examples, itemFields) });
  return examples;
}

/** Returns a note with the columns that are replaced in negatives. */
export function togetherNote({ negatives }: Examples, reported: string[] | undefined): string {
  const [item, ...others] = negatives!.itemFields;
  const how = reported ? "from --item-fields" : "inferred; --item-fields overrides";
  const together =
    others.length > 0
      ? `'${item}' together with ${others.map((name) => `'${name}'`).join(", ")}`
      : `'${item}' alone`;
  return `a negative replaces ${together} (${how})`;
}
