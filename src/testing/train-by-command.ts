// Trains with the trainer that has the name of a command, for tests and benchmarks.

import type { PartMetrics } from "../table/manifest.js";
import { UsageError } from "../base/errors.js";
import type { GivenTraining } from "../training/shared-options/log.js";
import { train as trainWith } from "../training/session/session.js";
import type { Summary } from "../training/session/summary.js";
import type { Watch } from "../training/session/watch.js";
import { trainerOf, trainers } from "../trainers/index.js";

/** Options of a training: those of all trainings and those of the trainer, named like flags in camel case. */
export type TrainOptions = GivenTraining & { out: string } & Readonly<Record<string, unknown>>;

/**
 * Trains on one or several files, read as one log, and writes a run directory, completely or not at all.
 *
 *   await train(command, ["clicks.csv"], { out: "run", valid: 0.1, dim: 8 }, watch)
 *
 * @throws {UsageError} the command or an option does not exist, or options exclude each other
 * @throws {EmbedError} the errors of reading, training and writing; no run is written then
 */
export async function train(
  command: string,
  paths: readonly string[],
  options: TrainOptions,
  watch: Watch,
): Promise<Summary<PartMetrics>> {
  const trainer = await trainerOf(command);
  if (trainer) return await trainWith(trainer, paths, options, watch);
  const names = trainers.map((one) => one.command).join(", ");
  throw new UsageError(`'${command}' is not a training command: expected one of ${names}`);
}
