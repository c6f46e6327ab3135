// Training from TypeScript: a command by its name, with its options by theirs.

import type { PartMetrics } from "../embedding/manifest.js";
import { UsageError } from "../errors.js";
import type { GivenTraining } from "../training/options/log.js";
import { train as trainWith } from "../training/session/session.js";
import type { Summary } from "../training/session/summary.js";
import type { Watch } from "../training/session/watch.js";
import { trainerOf, trainers } from "../trainers/index.js";

/** Options of a training by their flags' names in camel case; those of the trainer beside those of all. */
export type TrainOptions = GivenTraining & { out: string } & Readonly<Record<string, unknown>>;

/**
 * Trains on one or several files, read as one log, and writes a run directory, whole or not at all.
 *
 *   await train(command, ["clicks.csv"], { out: "run", valid: 0.1, dim: 8 }, watch)
 *
 * @throws {UsageError} no such command, or options that it has not or that do not go together
 * @throws {EmbedError} as the stages do; nothing is written then
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
