// Options that trainers of skip-grams share.

import { labels, vocabulary } from "../../../training/shared-options/features.js";
import { log } from "../../../training/shared-options/log.js";
import { memory } from "../../../training/shared-options/reading.js";
import { omit, pick, text } from "../../../options/table.js";
import { weekly } from "../../../training/shared-options/weekly.js";

/** Options that divide a user's events into sessions if no column contains sessions. */
export const gaps = {
  sessionGap: text("span", {
    help: "without --session: split a user's events into sessions at gaps longer than this, such as 30m (s, m, h, d)",
    group: "Sequences:",
  }),
} as const;

/** Options of the log, its vocabulary and the weekly job, which a trainer's own options follow. */
export const commonOptions = {
  ...log,
  ...omit(vocabulary, "oovDropout", "hash"),
  ...pick(labels, "positiveFrom"),
  ...omit(weekly, "metric"),
  ...memory,
} as const;
