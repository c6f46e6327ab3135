// Options that a method would pass over are refused, so that nobody believes in them.

import { UsageError } from "../../../errors.js";
import type { FmOptions, Method } from "../options.js";

const idle: Record<Method, readonly (keyof FmOptions)[]> = {
  adagrad: ["burnIn", "draws"],
  als: ["learningRate", "shuffle", "burnIn", "draws"],
  mcmc: ["learningRate", "shuffle", "l2Weight", "l2Vector", "patience"],
};

/**
 * Refuses what the method has no use for.
 *
 * @param set what the user set
 * @throws {UsageError} one of these
 */
export function checkMethodOptions(set: Partial<FmOptions>): void {
  const { method = "adagrad" } = set;
  for (const name of idle[method]) {
    if (set[name] === undefined) continue;
    const flag =
      name === "shuffle"
        ? "--no-shuffle"
        : `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new UsageError(`${flag} changes nothing with --method ${method}: leave it out`);
  }
}
