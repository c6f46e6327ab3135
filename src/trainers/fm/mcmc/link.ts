// How a score becomes a prediction, of a number or of the probability of a label 1, and its loss.

import { exp, log1p } from "../../../numeric/exp.js";
import { normalCdf } from "../../../numeric/normal.js";
import type { FmOptions } from "../options.js";
import type { FeatureRows } from "../../../dataset/rows.js";
import type { Run } from "../../../embedding/run-directory.js";
import { UsageError } from "../../../errors.js";

/** By the codes of model/draws.safetensors. */
export const links = ["identity", "probit", "logit"] as const;
export type Link = (typeof links)[number];

/** The link that a training takes. */
export function linkOf({ loss, link }: Pick<FmOptions, "loss" | "link">): Link {
  return loss === "logistic" ? link : "identity";
}

/** P(label 1) of a score of -|s|: the smaller side, so that it is not lost beside 1. */
export function lesserProbability(link: Link, s: number): number {
  if (link === "probit") return normalCdf(-Math.abs(s));
  const t = exp(-Math.abs(s));
  return t / (1 + t);
}

/** Mean loss a row, by their weights, from the kernels' own exp and log: nats of log-odds for the logistic loss, (score - label)^2 for the squared loss. */
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

/** @throws {UsageError} the run's labels go by probit, so that the scores of its draws are no log-odds */
export function refuseProbit({ path, manifest: { options } }: Run, flag: string): void {
  if (options["link"] === "probit" && options["task"] !== "regression")
    throw new UsageError(
      `${flag}: run '${path}' has a probit link, so its scores are not log-odds: train it with --link logit`,
    );
}
