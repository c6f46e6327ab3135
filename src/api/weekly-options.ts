// What `train-fm` is asked to do from week to week: where it goes on, how it is watched, and how it ends.

import type { InitOptions } from "./init.js";

/** What early stopping goes by. */
export type JudgeName = "loss" | "auc" | "rmse";

export interface WeeklyOptions extends InitOptions {
  /** after early stopping, train once more on all rows for the chosen epochs */
  refit?: boolean;
  /** by the task when absent */
  metric?: JudgeName;
  /** settings to try on the validation part */
  search?: number;
  /** epochs between two checkpoints; none when absent */
  checkpointEvery?: number;
  /** go on from the checkpoint that an interrupted training left */
  resume?: boolean;
}

/** The flags that only a trainer which can be steered knows, of those that were given. */
export function steeringFlags(options: WeeklyOptions): string[] {
  const { init, freeze, keepState, metric, checkpointEvery } = options;
  return [
    ...(init === undefined ? [] : ["--init"]),
    ...(freeze === undefined ? [] : ["--freeze"]),
    ...(keepState ? ["--keep-state"] : []),
    ...(metric === undefined || metric === "loss" ? [] : ["--metric"]),
    ...(checkpointEvery === undefined ? [] : ["--checkpoint-every"]),
  ];
}
