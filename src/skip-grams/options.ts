// Options that trainers of skip-grams share.

import { text } from "../training/options/table.js";

/** Options that divide a user's events into sessions if no column contains sessions. */
export const gaps = {
  sessionGap: text("span", {
    help: "without --session: split a user's events into sessions at gaps longer than this, such as 30m (s, m, h, d)",
    group: "Sequences:",
  }),
} as const;
