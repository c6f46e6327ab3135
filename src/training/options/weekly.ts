// Options of a training that is repeated from week to week: where it goes on, how it is watched, and how it ends; and of the
// run that it writes.

import { choice, flag, text, whole } from "./table.js";

const group = "From week to week:";
const MANY = Number.MAX_SAFE_INTEGER;

/** What early stopping goes by, where labels are predicted. */
export const judgeNames = ["loss", "auc", "rmse"] as const;
export type JudgeName = (typeof judgeNames)[number];

/** Where a training goes on, how it is watched, and how it ends. */
export const weekly = {
  init: text("run", {
    help: "start from an earlier run, by key; keys that the log lacks are kept",
    group,
  }),
  expire: text("age", {
    help: "drop known keys not seen for so long: 8w (h, d, w) before the newest event, or 8 trainings",
    group,
  }),
  freeze: choice(["known"], {
    help: "known: rows of the earlier run stay as they are, new ones are fitted to them",
    group,
  }),
  keepState: flag({ help: "keep the state of the optimizer in the run, for the next --init", group }),
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
  metric: choice(judgeNames, {
    placeholder: "metric",
    help: "metric for early stopping",
    group,
    shown: "loss",
  }),
  onInterrupt: choice(["abort", "save"], {
    help: "on a signal: abort, or save the best epoch so far",
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
