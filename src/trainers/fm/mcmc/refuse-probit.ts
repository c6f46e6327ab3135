// Draws under a probit link: their scores are no log-odds.

import type { Run } from "../../../embedding/run-directory.js";
import { UsageError } from "../../../errors.js";

/** @throws {UsageError} the run's labels go by probit */
export function refuseProbit({ path, manifest: { options } }: Run, flag: string): void {
  if (options["link"] === "probit" && options["task"] !== "regression")
    throw new UsageError(
      `${flag}: the scores of run '${path}' are those of a probit link and no log-odds: train it with --link logit`,
    );
}
