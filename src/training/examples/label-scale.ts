// Where a constant score starts, and the unit that labels are trained in.

import type { FeatureRows, TrainingRows } from "../../dataset/rows.js";
import { DataError } from "../../errors.js";
import { log } from "../../numeric/exp.js";
import { weightOf } from "../../numeric/indices.js";

/**
 * The best constant score, where training starts, and what labels are divided by, so that steps and penalties mean the same whatever
 * their unit: the labels' mean and standard deviation for the squared loss, log-odds and 1 for the logistic loss. Rows count
 * by their weights.
 *
 * Of drawn rows only the first chunk is looked at.
 */
export function labelScaleOf(
  train: TrainingRows,
  loss: "logistic" | "squared",
): { bias: number; scale: number } {
  const { numRows, labels, weights } = train.kind === "drawn" ? firstOf(train.draw(1)) : train.rows;
  const total = weightOf({ numRows, weights });
  let sum = 0;
  for (let r = 0; r < numRows; r++) sum += (weights ? weights[r]! : 1) * labels[r]!;
  // one event of each kind more than there are, so that a log of one kind has finite odds
  if (loss === "logistic") return { bias: log((sum + 1) / (total - sum + 1)), scale: 1 };

  const mean = sum / total;
  let squares = 0;
  for (let r = 0; r < numRows; r++) squares += (weights ? weights[r]! : 1) * (labels[r]! - mean) ** 2;
  return { bias: mean, scale: Math.sqrt(squares / total) || 1 };
}

function firstOf(chunks: Iterable<FeatureRows>): FeatureRows {
  for (const chunk of chunks) if (chunk.numRows > 0) return chunk;
  throw new DataError("no training rows");
}
