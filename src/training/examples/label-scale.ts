// Computes the initial bias of a model, and the scale of its labels in training.

import type { FeatureRows, TrainingRows } from "../../dataset/rows.js";
import { DataError } from "../../errors.js";
import { log } from "../../numeric/exp.js";
import { weightOf } from "../../numeric/indices.js";

/**
 * Returns the best constant score, as the initial bias, and a scale by which labels are divided, so that the effect of
 * learning rates and penalties does not depend on the unit. These are the weighted mean and standard deviation of the
 * labels for the squared loss, and the log-odds and 1 for the logistic loss.
 *
 * If rows are sampled, only the first chunk is used.
 */
export function labelScaleOf(
  train: TrainingRows,
  loss: "logistic" | "squared",
): { bias: number; scale: number } {
  const { numRows, labels, weights } = train.kind === "drawn" ? firstOf(train.draw(1)) : train.rows;
  const total = weightOf({ numRows, weights });
  let sum = 0;
  for (let r = 0; r < numRows; r++) sum += (weights ? weights[r]! : 1) * labels[r]!;
  // adds one event of each class, so that the odds are finite even if only one class occurs
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
