// Draws under a probit link: their scores are no log-odds.

import type { Run } from "../../../embedding/run-directory.js";
import { UsageError } from "../../../errors.js";

/** @throws {UsageError} the run's labels go by probit */
export function refuseProbit({ path, manifest: { options } }: Run, flag: string): void {
  if (options["link"] === "probit" && options["task"] !== "regression")
    throw new UsageError(
      `${flag}: run '${path}' has a probit link, so its scores are not log-odds: train it with --link logit`,
    );
}
