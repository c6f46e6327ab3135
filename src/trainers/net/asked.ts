// What `train-net` is asked to do.

import type { LabelledTask } from "../../dataset/labels.js";
import { netOptionsOf, type NetOptions, type ToldNetOptions } from "./options.js";
import type { ExampleOptions } from "../../training/example-options.js";
import type { JudgeName } from "../../training/weekly-options.js";

export interface TrainNetOptions extends ExampleOptions {
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
