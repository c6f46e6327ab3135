// Options of a training that is repeated every week (warm start, checkpoints, early stopping, interrupts), and of the
// run that it writes.

import { choice, flag, text, whole } from "../../options/table.js";

const group = "From week to week:";
const MANY = Number.MAX_SAFE_INTEGER;
const ofInit = { init: true } as const;

const stoppingMetricNames = ["loss", "auc", "rmse"] as const;
export type StoppingMetricName = (typeof stoppingMetricNames)[number];

/** Options of warm starts, checkpoints, early stopping and interrupts. */
export const weekly = {
  init: text("run", {
    help: "warm-start from an earlier run, matching keys; keys missing from the log are kept",
    group,
  }),
  expire: text("age", {
    help:
      "with --init: drop keys not seen for a time such as 8w before the newest event (h, d, w), or for a " +
      "number of trainings such as 8",
    group,
    only: ofInit,
  }),
  freeze: choice(["known"], {
    help: "with --init: known keeps the vectors of the earlier run fixed and trains only new ones",
    group,
    only: ofInit,
  }),
  keepState: flag({
    help: "store the optimizer state in the run so that the next --init continues from it",
    group,
  }),
  refit: flag({
    help: "after the metrics are measured, retrain on all rows, held-out ones too, for the chosen number of epochs",
    group,
  }),
  checkpointEvery: whole({
    min: 1,
    max: MANY,
    help: "save a checkpoint beside the run every n epochs",
    group,
    noBytes: true,
  }),
  search: whole({
    min: 2,
    max: MANY,
    help: "train n settings of the options marked (searched), and keep the best on the validation split",
    group,
  }),
  resume: flag({
    help: "resume a killed training from its checkpoint, if there is one",
    group,
    noBytes: true,
  }),
  metric: choice(stoppingMetricNames, {
    placeholder: "metric",
    help: "metric for early stopping and --search",
    group,
    shown: "loss",
  }),
  onInterrupt: choice(["abort", "save"], {
    help: "on Ctrl-C or SIGTERM: abort without output, or save the best epoch so far as a run",
    group,
    shown: "abort",
    noBytes: true,
  }),
} as const;

/** Options of the run that a training writes. */
export const output = {
  out: text("run", { help: "run directory to write", group: "Output:", noBytes: true, required: true }),
  force: flag({ help: "replace an existing run", group: "Output:", noBytes: true }),
} as const;
