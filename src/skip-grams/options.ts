// Options that trainers of skip-grams share.

import { text } from "../training/options/table.js";

/** How a user's events become sessions where no column says it. */
export const gaps = {
  sessionGap: text("span", {
    help: "without --session: a user's events that are at most so far apart are one session, such as 30m (s, m, h, d)",
    group: "Sequences:",
  }),
} as const;

/** The first step size: smaller where rows are met often, as their steps are summed before AdaGrad's one. @param visits of a row in an epoch, on average */
export function firstRate(visits: number): number {
  return visits > 500 ? 0.2 : 0.8;
}
