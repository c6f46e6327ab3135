// What `train-fm` is asked to do from week to week: where it goes on, how it is watched, and how it ends.

import type { SteeringFlag } from "./controls.js";
import type { InitOptions } from "./warm-start.js";

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

/** The flags that some trainers refuse, of those that were given. */
export function steeringFlags(options: WeeklyOptions): SteeringFlag[] {
  const { init, freeze, keepState = false, metric = "loss", checkpointEvery } = options;
  const given: Record<SteeringFlag, boolean> = {
    "--init": init !== undefined,
    "--freeze": freeze !== undefined,
    "--keep-state": keepState,
    "--metric": metric !== "loss",
    "--checkpoint-every": checkpointEvery !== undefined,
  };
  return (Object.keys(given) as SteeringFlag[]).filter((flag) => given[flag]);
}
