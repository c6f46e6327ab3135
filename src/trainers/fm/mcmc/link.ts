// How a score becomes a prediction: of a number, or of the probability of a label 1.

import { exp } from "../../../numeric/exp.js";
import { normalCdf } from "../../../numeric/normal.js";
import type { FmOptions } from "../options.js";

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
