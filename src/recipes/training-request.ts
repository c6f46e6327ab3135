// Reads and checks a run's training request: the command, the options and the log that are needed to repeat the
// training.

import type { TrainingRequest } from "../embedding/manifest.js";
import type { Run } from "../embedding/run-directory.js";
import { UsageError } from "../errors.js";
import { trainerOf, trainers } from "../trainers/index.js";
import type { Trainer } from "../training/session/trainer.js";

/**
 * Returns the request that a run records, and its trainer.
 *
 * @param verb the verb of error messages for what the caller does with the run: `reproduce`
 * @throws {UsageError} the run does not come from a training, was changed after it, or has options that this version
 *   does not know
 */
export async function requestOf(
  { path, manifest }: Run,
  verb: string,
): Promise<{ asked: TrainingRequest; trainer: Trainer }> {
  const { command, asked, forgotten, added } = manifest;
  const cannot = `cannot ${verb} run '${path}'`;
  if (forgotten !== undefined)
    throw new UsageError(`${cannot}: keys were forgotten in it, and its log may still contain them`);
  if (added)
    throw new UsageError(
      `${cannot}: items were added to it (transform --append); ${verb} the original run, '${added.run}'`,
    );
  const trainer = await trainerOf(command);
  if (!trainer)
    throw new UsageError(
      `${cannot}: '${command}' is not a training; use a run of ${trainers.map((one) => one.command).join(", ")}`,
    );
  if (!asked)
    throw new UsageError(
      `${cannot}: it was trained by an earlier version of embed (${manifest.version}) that did not record its ` +
        "options; train it again",
    );
  const unknown = Object.keys(asked.options).find((name) => !Object.hasOwn(trainer.options, name));
  if (unknown !== undefined)
    throw new UsageError(
      `${cannot}: option '${unknown}' is unknown to ${command}; it was trained by embed ${manifest.version}, train ` +
        "it again",
    );
  return { asked, trainer };
}
