// --init of a trainer that goes on from runs of its own.

import { openRun, type Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";

/**
 * Opens the run of --init.
 *
 * @param command that goes on
 * @throws {UsageError} another command made it @throws {ArtifactError} damaged
 */
export async function openOwnRun(init: string, command: string): Promise<Run> {
  const run = await openRun(init);
  const made = run.manifest.command;
  if (made === command) return run;
  throw new UsageError(
    `--init '${init}' is a run of embed ${made} and cannot be used by ${command}: use a run of ${command}, ` +
      "or train without --init",
  );
}
