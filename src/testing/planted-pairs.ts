// A planted log of ids in which pairs of ids affect the label: users like certain campaigns, and items sell on certain
// devices. Each id also has an effect of its own.
//
//   log-odds = -0.5 + user + item + user*campaign + item*device + 0.5 x      normal effects, those of pairs are larger
//
// 200 users and 30 campaigns form 6,000 pairs: of 40,000 rows each pair has seven on average. `visit` has 4,000 keys
// and no effect.

import { logistic } from "../base/numeric/exp.js";
import { integerBelow, mulberry32, normal } from "./random.js";

const SIZES = { user: 200, item: 120, campaign: 30, device: 5, visit: 4000 } as const;
type Id = keyof typeof SIZES;

/** Names of the pairs of columns with planted effects. */
export const plantedPairNames = ["user*campaign", "item*device"] as const;

export interface PlantedPairs {
  ids: Record<Id, string[]>;
  x: number[];
  labels: number[];
  /** mean log loss of the true odds, which is the expected minimum for any model */
  bestLogLoss: number;
}

/** Returns `numRows` rows of the planted log; the same seed gives the same rows. */
export function plantedPairs(seed: number, numRows: number): PlantedPairs {
  const effects = mulberry32(42);
  const drawn = (size: number, deviation: number) =>
    Array.from({ length: size }, () => deviation * normal(effects));
  const [user, item] = [drawn(SIZES.user, 0.4), drawn(SIZES.item, 0.4)];
  const userCampaign = drawn(SIZES.user * SIZES.campaign, 1.2);
  const itemDevice = drawn(SIZES.item * SIZES.device, 0.8);
  const random = mulberry32(seed);
  const names = Object.keys(SIZES) as Id[];
  const rows: PlantedPairs = {
    ids: { user: [], item: [], campaign: [], device: [], visit: [] },
    ...{ x: [], labels: [], bestLogLoss: 0 },
  };
  for (let row = 0; row < numRows; row++) {
    const own = Object.fromEntries(names.map((name) => [name, integerBelow(SIZES[name], random)])) as Record<
      Id,
      number
    >;
    // keys are texts, because integer ids would be read as numbers
    for (const name of names) rows.ids[name].push(`${name[0]!}${own[name]}`);
    const x = Math.round(100 * normal(random)) / 100;
    const score =
      user[own.user]! +
      item[own.item]! +
      userCampaign[own.user * SIZES.campaign + own.campaign]! +
      itemDevice[own.item * SIZES.device + own.device]! +
      0.5 * x -
      0.5;
    const p = logistic(score);
    const label = random() < p ? 1 : 0;
    rows.x.push(x);
    rows.labels.push(label);
    rows.bestLogLoss -= Math.log(label === 1 ? p : 1 - p) / numRows;
  }
  return rows;
}

/** Formats the rows as CSV with a header. */
export function plantedPairsCsv({ ids, x, labels }: PlantedPairs): string {
  const columns = [...Object.values(ids), x];
  const lines = labels.map((label, row) => [label, ...columns.map((cells) => cells[row]!)].join(","));
  return `${["label", ...Object.keys(ids), "x"].join(",")}\n${lines.join("\n")}\n`;
}
