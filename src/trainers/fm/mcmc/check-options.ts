// Options that a method would pass over are refused, so that nobody believes in them.

import { UsageError } from "../../../errors.js";
import { fmFlagOf, type FmOptions, type Method } from "../options.js";

const ofGradients = [
  "learningRate",
  "learningRateDecay",
  "l1Weight",
  "negativeDownsampling",
  "shuffle",
] as const;
const ofMcmc = ["burnIn", "draws", "priorOf"] as const;
const ofBoth = [...ofMcmc, "link"] as const;
const idle: Partial<Record<Method, readonly (keyof FmOptions)[]>> = {
  als: [...ofGradients, ...ofMcmc],
  mcmc: [...ofGradients, "l2Weight", "l2Vector", "l2Field", "patience", "minDelta"],
};

/**
 * Refuses what the method has no use for.
 *
 * @param set what the user set
 * @throws {UsageError} one of these
 */
export function checkMethodOptions(set: Partial<FmOptions>): void {
  const { method = "adagrad" } = set;
  for (const name of idle[method] ?? ofBoth) {
    if (set[name] === undefined) continue;
    throw new UsageError(`${fmFlagOf(name)} changes nothing with --method ${method}: leave it out`);
  }
}
