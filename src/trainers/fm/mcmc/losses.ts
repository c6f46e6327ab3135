// The mean loss of scores, from the kernels' own exp and log.

import type { FeatureRows } from "../../../dataset/rows.js";
import { exp, log1p } from "../../../numeric/exp.js";

/** Mean loss a row, by their weights: nats of log-odds for the logistic loss, (score - label)^2 for the squared loss. */
export function meanLoss(
  loss: "logistic" | "squared",
  scores: Float32Array,
  { labels, weights }: Pick<FeatureRows, "labels" | "weights">,
): number {
  let [sum, weight] = [0, 0];
  for (let r = 0; r < scores.length; r++) {
    const [s, y, w] = [scores[r]!, labels[r]!, weights ? weights[r]! : 1];
    sum += w * (loss === "squared" ? (s - y) ** 2 : Math.max(s, 0) - y * s + log1p(exp(-Math.abs(s))));
    weight += w;
  }
  return sum / weight;
}
