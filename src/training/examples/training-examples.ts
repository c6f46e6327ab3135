import type { EventWeightOptions } from "../../dataset/sequences/event-weights.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { ExampleOptions } from "../shared-options/log.js";
import { labelledExamples, negativeExamples, type Examples } from "./examples.js";
import type { SplitParts } from "../reading/split-parts.js";
import { labelWarnings } from "../warnings/training-warnings.js";
import type { Watch } from "../session/watch.js";
import type { FeatureRows, TrainingRows } from "../../dataset/rows.js";
import { DataError } from "../../base/errors.js";
import { log } from "../../base/numeric/exp.js";
import { weightOf } from "../../base/numeric/indices.js";

type RequestedExamples = Pick<
  ExampleOptions,
  "task" | "positiveFrom" | "negatives" | "noise" | "itemFields" | "minUsers"
>;

interface ExampleRequest extends EventWeightOptions, RequestedExamples {
  seed: number;
  shuffle: boolean;
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

/**
 * Returns the best constant score, as the initial bias, and a scale by which labels are divided, so that the effect of
 * learning rates and penalties does not depend on the unit. These are the weighted mean and standard deviation of the
 * labels for the squared loss, and the log-odds and 1 for the logistic loss.
 *
 * If rows are sampled, only the first chunk is used.
 */
export function labelScaleOf(
  train: TrainingRows,
  loss: "logistic" | "squared",
): { bias: number; scale: number } {
  const { numRows, labels, weights } = train.kind === "drawn" ? firstOf(train.draw(1)) : train.rows;
  const total = weightOf({ numRows, weights });
  let sum = 0;
  for (let r = 0; r < numRows; r++) sum += (weights ? weights[r]! : 1) * labels[r]!;
  // adds one event of each class, so that the odds are finite even if only one class occurs
  if (loss === "logistic") return { bias: log((sum + 1) / (total - sum + 1)), scale: 1 };

  const mean = sum / total;
  let squares = 0;
  for (let r = 0; r < numRows; r++) squares += (weights ? weights[r]! : 1) * (labels[r]! - mean) ** 2;
  return { bias: mean, scale: Math.sqrt(squares / total) || 1 };
}

function firstOf(chunks: Iterable<FeatureRows>): FeatureRows {
  for (const chunk of chunks) if (chunk.numRows > 0) return chunk;
  throw new DataError("no training rows");
}
