// Options of a training that is repeated from week to week: where it goes on, how it is watched, and how it ends; and of the
// run that it writes.

import { choice, flag, text, whole } from "./table.js";

const group = "From week to week:";
const MANY = Number.MAX_SAFE_INTEGER;

/** What early stopping goes by, where labels are predicted. */
export const stoppingMetricNames = ["loss", "auc", "rmse"] as const;
export type StoppingMetricName = (typeof stoppingMetricNames)[number];

/** Where a training goes on, how it is watched, and how it ends. */
export const weekly = {
  init: text("run", {
    help: "warm-start from an earlier run's vectors, matched by key; keys missing from the log are kept",
    group,
  }),
  expire: text("age", {
    help: "with --init: drop keys that were not seen for this long, such as 8w before the newest event (h, d, w), or for 8 trainings",
    group,
  }),
  freeze: choice(["known"], {
    help: "with --init: known keeps the earlier run's vectors fixed and fits only new ones",
    group,
  }),
  keepState: flag({
    help: "store the optimizer's state in the run, so that the next --init continues from it",
    group,
  }),
  refit: flag({
    help: "after early stopping, train once more on all rows, for the chosen number of epochs",
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
    help: "try n settings of dim, learning rate and L2 on the validation part, and train with the best",
    group,
  }),
  resume: flag({
    help: "continue from the checkpoint of a training that was killed, if there is one",
    group,
    noBytes: true,
  }),
  metric: choice(stoppingMetricNames, {
    placeholder: "metric",
    help: "metric for early stopping",
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

/** The run that is written. */
export const output = {
  out: text("run", { help: "the run directory to write", group: "Output:", noBytes: true, required: true }),
  force: flag({ help: "replace an existing run", group: "Output:", noBytes: true }),
} as const;
