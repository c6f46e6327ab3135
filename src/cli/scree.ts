// Formats the components of a decomposition as text: one line for each of the first components, then one line per
// doubling of their number.

import type { PartMetrics, Summary } from "../training/session/summary.js";
import { formatTable } from "./terminal.js";

const SHOWN = 10;
const BAR = 30;

/** Formats the share of the variance that each component explains, and the cumulative one; empty without any. */
export function screeTable({ metrics }: Summary<PartMetrics>): string {
  const ratios = metrics["train"]?.["explainedVarianceRatio"];
  if (!Array.isArray(ratios) || ratios.length === 0) return "";
  const numbers = ratios as readonly number[];
  const total: number[] = [];
  for (const x of numbers) total.push((total.at(-1) ?? 0) + x);
  const most = Math.max(...numbers);
  const shown = numbers
    .map((_, d) => d)
    .filter((d) => d < SHOWN || d === numbers.length - 1 || Math.log2((d + 1) / SHOWN) % 1 === 0);
  const lines = shown.map((d) => [
    String(d + 1),
    numbers[d]!.toFixed(4),
    total[d]!.toFixed(4),
    "#".repeat(most > 0 ? Math.max(1, Math.round((BAR * numbers[d]!) / most)) : 0),
  ]);
  return formatTable([["component", "variance", "together", ""], ...lines]);
}
