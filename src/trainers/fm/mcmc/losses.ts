// The mean loss of scores, from the kernels' own exp and log.

import { exp, log1p } from "../../../kernels/reference/exp.js";

/** Mean loss a row: nats of log-odds for the logistic loss, (score - label)^2 for the squared loss. */
export function meanLoss(loss: "logistic" | "squared", scores: Float32Array, labels: Float32Array): number {
  let sum = 0;
  for (let r = 0; r < scores.length; r++) {
    const [s, y] = [scores[r]!, labels[r]!];
    sum += loss === "squared" ? (s - y) ** 2 : Math.max(s, 0) - y * s + log1p(exp(-Math.abs(s)));
  }
  return sum / scores.length;
}
