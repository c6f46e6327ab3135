import { titleOf } from "./metrics.js";

interface ComparedSettings {
  metric: string;
  /** metric of the default setting; null if its training diverged */
  default: number | null;
  /** metric of the chosen setting minus that of the default; absent if the default was chosen */
  difference?: { value: number; low?: number; high?: number };
}

/**
 * Returns how much better the best setting is than the default, with the interval if there is one. The gain is measured
 * on the split that also selected the setting, so it overestimates the gain on other rows.
 */
export function searchGain(
  { metric, default: standard, difference }: ComparedSettings,
  numSettings: number,
): string {
  const name = `validation ${titleOf(metric)}`;
  if (standard === null) return `${name}: the default failed`;
  if (!difference)
    return `${name}: none of ${numSettings - 1} settings is better than the default (${standard.toFixed(5)})`;
  const { value, low, high } = difference;
  const interval =
    low === undefined || high === undefined ? "" : `, 95 % interval ${signed(low)} to ${signed(high)}`;
  return (
    `${name}, best less default (${standard.toFixed(5)}): ${signed(value)}${interval}; this split chose the best of ` +
    `${numSettings}, so expect less on other rows`
  );
}

function signed(value: number): string {
  return `${value > 0 ? "+" : ""}${value.toPrecision(2)}`;
}
