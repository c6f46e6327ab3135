// What `train-net` is asked to do.

import type { EventLimits } from "../../dataset/event-limits.js";
import type { EventWeightOptions } from "../../dataset/event-weights.js";
import type { LabelledTask } from "../../dataset/labels.js";
import type { VocabularyLimits } from "../../dataset/vocabulary-limits.js";
import type { Noise } from "../../sampling/noise-distribution.js";
import { netOptionsOf, type NetOptions, type ToldNetOptions } from "./options.js";
import type { DatasetOptions } from "../../training/read-dataset.js";
import type { SplitFlags } from "../../training/split-options.js";
import type { JudgeName } from "../../training/weekly-options.js";

/** What a network's examples are made by. */
export interface NetDataOptions
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

export interface TrainNetOptions extends NetDataOptions {
  out: string;
  force: boolean;
  /** the run whose table the embedding layer starts from; random when absent */
  init?: string;
  /** the run's keys are in the vocabulary though the training part lacks them, with the table's numbers */
  keepKeys?: boolean;
  /** what early stopping goes by; the loss when absent */
  metric?: JudgeName;
  /** what the user set; the rest is the default of the network */
  net: ToldNetOptions;
}

/** Options of the network for a task. */
export function optionsOfTask(net: ToldNetOptions, task: LabelledTask): NetOptions {
  return netOptionsOf(net, task === "regression" ? "squared" : "logistic");
}
