// Link functions, from scores to predicted numbers or probabilities of label 1, and their losses.

import { exp, log1p } from "../../../base/numeric/exp.js";
import { normalCdf } from "../../../base/numeric/normal.js";
import type { FmOptions } from "../options.js";
import type { FeatureRows } from "../../../dataset/rows.js";
import type { Run } from "../../../table/run-directory.js";
import { UsageError } from "../../../base/errors.js";

/** Link functions, indexed by their code in model/draws.safetensors. */
export const links = ["identity", "probit", "logit"] as const;
export type Link = (typeof links)[number];

export function linkOf({ loss, link }: Pick<FmOptions, "loss" | "link">): Link {
  return loss === "logistic" ? link : "identity";
}

/** Returns the probability of the less likely label at score s; computed so that a probability near 0 is precise. */
export function lesserProbability(link: Link, s: number): number {
  if (link === "probit") return normalCdf(-Math.abs(s));
  const t = exp(-Math.abs(s));
  return t / (1 + t);
}

/**
 * Returns the weighted mean loss per row: nats for log-odds, or (score - label)^2. Uses the kernels' exp and log, so
 * that bytes are equal on every engine.
 */
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

/** @throws {UsageError} the scores of the run's posterior draws are not log-odds */
export function refuseProbit({ path, manifest: { options } }: Run, flag: string): void {
  if (options["link"] === "probit" && options["task"] !== "regression")
    throw new UsageError(
      `${flag}: run '${path}' has a probit link, so its scores are not log-odds: train it with --link logit`,
    );
}
