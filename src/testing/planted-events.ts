// A small planted log with a column for every kind of option; it has few users and items, so that a few hundred rows
// suffice to learn it.
//
//   odds(click) = odds of the item * (8 if the groups are the same, else 1/8)
//
// An item's key is its group, a dash and a number, as in planted.ts; half of a user's events are of the user's own
// group.

import { bestMetrics } from "./best-metrics.js";
import { GROUPS } from "./planted.js";
import { between, integerBelow, mulberry32, pick } from "./random.js";

const USERS = 24;
const NUM_GROUPS = 4;
const ITEMS_PER_GROUP = 5;
/** Time of the first event: 2024-03-04 00:00 UTC. */
const START = 1709510400;

/** Names of the columns of the log that `plantedEvents` writes. */
export const eventColumns = {
  label: "click",
  user: "user_id",
  item: "item_id",
  device: "device",
  price: "price",
  tags: "tags",
  kind: "kind",
  basket: "basket",
  factor: "factor",
  rating: "rating",
  time: "timestamp",
} as const;

export interface PlantedEvents {
  csv: string;
  /** AUC of the true probabilities on the last tenth of the rows, which no model is expected to exceed */
  bestAuc: number;
}

/**
 * Returns events in order of time, with the columns of `eventColumns`.
 *
 * @param bought true: every event is of the user's own group with probability 0.9, for trainers of events without
 * labels
 */
export function plantedEvents(seed: number, numRows: number, { bought = false } = {}): PlantedEvents {
  const random = mulberry32(seed);
  const itemOdds = Array.from({ length: NUM_GROUPS * ITEMS_PER_GROUP }, () => pick([0.25, 1, 4], random));
  const labels = new Uint8Array(numRows);
  const probabilities = new Float64Array(numRows);
  const lines = [Object.values(eventColumns).join(",")];
  for (let row = 0; row < numRows; row++) {
    const user = integerBelow(USERS, random);
    const own = user % NUM_GROUPS;
    const group = random() < (bought ? 0.9 : 0.5) ? own : integerBelow(NUM_GROUPS, random);
    const item = group * ITEMS_PER_GROUP + integerBelow(ITEMS_PER_GROUP, random);
    const odds = itemOdds[item]! * (group === own ? 8 : 1 / 8);
    probabilities[row] = odds / (1 + odds);
    labels[row] = random() < probabilities[row] ? 1 : 0;
    lines.push(
      [
        labels[row],
        `u${user}`,
        `${GROUPS[group]}-${(item % ITEMS_PER_GROUP) + 1}`,
        pick(["phone", "desktop", ""], random),
        between(1, 50, random).toFixed(2),
        pick(["new", "new|sale", "sale|gift|new", ""], random),
        pick(["view", "cart", "buy"], random),
        `b${Math.floor(row / 3)}`,
        pick([0.5, 1, 2], random),
        1 + 2 * labels[row] + integerBelow(3, random),
        START + row * 3600,
      ].join(","),
    );
  }
  const { auc: bestAuc } = bestMetrics(labels, probabilities, Math.floor(0.9 * numRows));
  return { csv: `${lines.join("\n")}\n`, bestAuc };
}
