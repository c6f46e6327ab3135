// What trainings on rows have in common of their options.

import type { Roles } from "../../dataset/dataset.js";
import type { EventLimits } from "../../dataset/filters/event-limits.js";
import type { EventWeightOptions } from "../../dataset/sequences/event-weights.js";
import type { LabelledTask } from "../../dataset/labels.js";
import type { VocabularyLimits } from "../../dataset/vocabulary/vocabulary-limits.js";
import { UsageError } from "../../errors.js";
import type { Noise } from "../../sampling/noise-distribution.js";
import type { DatasetOptions } from "../reading/read-dataset.js";
import type { SplitFlags } from "./split-options.js";

/** How a log is read, cut and made into examples: the same for every training on rows. */
export interface ExampleOptions
  extends DatasetOptions, VocabularyLimits, EventLimits, EventWeightOptions, SplitFlags {
  /** share of known keys that training hides, so that out-of-vocabulary features are trained; 0 when absent */
  oovDropout?: number;
  /** a run whose keys keep their row numbers within each field */
  rowOrder?: string;
  /** what is predicted; by the labels when absent */
  task?: LabelledTask;
  positiveFrom?: number;
  /** negatives an event, for a log without labels; 0 for a log with them */
  negatives: number;
  noise: Noise;
  /** columns that go with the item; inferred when absent */
  itemFields?: string[];
}

/**
 * For a training that predicts labels.
 *
 * @param others what else is there for a log of positive events, for the message
 * @throws {UsageError} there is neither a label nor --negatives
 */
export function checkLabels(
  roles: Roles,
  { negatives, positiveFrom, task }: { negatives: number; positiveFrom?: number; task?: string },
  others = "",
): void {
  if (roles.label === undefined && negatives === 0) {
    throw new UsageError(
      "no label column found: name it with --label, or, for a log of positive events, sample negatives with " +
        `--negatives 4${others}`,
    );
  }
  if (task === "regression" && (negatives > 0 || positiveFrom !== undefined)) {
    throw new UsageError(
      `${negatives > 0 ? "--negatives" : "--positive-from"} makes labels 0 and 1 and cannot be combined with ` +
        "--task regression",
    );
  }
}
