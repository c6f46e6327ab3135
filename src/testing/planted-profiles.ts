// A planted log with nine columns of ids. Each row belongs to one of 5,000 profiles, which determines seven of ten of
// its ids.
//
//   log-odds = -4.5 + an effect of each id (deviation 0.7) + an effect of the profile (deviation 3)
//
// Two profiles hardly ever share a pair of ids, so that every pair of columns contains information about the profile,
// but little of it, because each combination of two ids has few rows. Label 1 is rare.

import { logistic, pow } from "../base/numeric/exp.js";
import { lowerBound } from "../base/numeric/indices.js";
import { mulberry32, normal, type Random } from "./random.js";

const SIZES = [2000, 900, 120, 170, 400, 300, 700, 60, 250];
const PROFILES = 5000;
/** Probability that an id of a row is the one of the row's profile; otherwise, the id is random. */
const OWN = 0.7;

/** Names of the log's columns. */
export const profileColumns: readonly string[] = SIZES.map((_, c) => `c${c}`);

/**
 * Returns the lines of a CSV file with a header. @param effect standard deviation of the profiles' effects; if it is 0,
 * pairs of ids have no effect
 */
export function plantedProfilesCsv(seed: number, numRows: number, effect = 3): string {
  const effects = mulberry32(78);
  const ofIds = SIZES.map((size) => Array.from({ length: size }, () => 0.7 * normal(effects)));
  const tables = SIZES.map(popularity);
  const profiles = Array.from({ length: PROFILES }, () => ({
    ids: tables.map((table) => drawn(table, effects)),
    effect: effect * normal(effects),
  }));
  const ofProfiles = popularity(PROFILES);
  const random = mulberry32(seed);
  const lines = Array.from({ length: numRows }, () => {
    const profile = profiles[drawn(ofProfiles, random)]!;
    const ids = tables.map((table, c) => (random() < OWN ? profile.ids[c]! : drawn(table, random)));
    const score = ids.reduce((sum, id, c) => sum + ofIds[c]![id]!, profile.effect - 4.5);
    const label = random() < logistic(score) ? 1 : 0;
    // keys are texts, because whole numbers would be read as amounts
    return [label, ...ids.map((id) => `k${id}`)].join(",");
  });
  return `${["label", ...profileColumns].join(",")}\n${lines.join("\n")}\n`;
}

/** Returns cumulative probabilities; the probability of key i is proportional to 1 / (i + 3). */
function popularity(size: number): Float64Array {
  const chances = Float64Array.from({ length: size }, (_, i) => pow(i + 3, -1));
  const total = chances.reduce((a, b) => a + b, 0);
  let sum = 0;
  return chances.map((chance) => (sum += chance / total));
}

function drawn(cumulative: Float64Array, random: Random): number {
  return Math.min(cumulative.length - 1, lowerBound(cumulative, random()));
}
