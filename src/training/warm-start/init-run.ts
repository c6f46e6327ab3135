// Opens and checks the run that --init names, and reads what all trainers need of it.

import { expiryOf } from "../../dataset/vocabulary/last-seen.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { readHistory, UNKNOWN, type KeyHistory } from "../../table/key-history.js";
import { openRun, type Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import { tableFeatures } from "../examples/feature-table.js";
import type { GivenTraining } from "../shared-options/log.js";

/** The run that --init names, with its features, and the time when each key was last seen, by feature. */
export interface InitRun {
  run: Run;
  space: FeatureSpace;
  history: KeyHistory;
}

/**
 * Opens the run that --init names, if the option is given.
 *
 * @param command name of the training; only its own runs are accepted
 * @throws {UsageError} another command made the run, or --expire is malformed
 * @throws {ArtifactError} damaged
 */
export async function openInitRun(
  given: Pick<GivenTraining, "init" | "expire">,
  command: string,
): Promise<Run | undefined> {
  checkExpire(given);
  const { init } = given;
  if (init === undefined) return undefined;
  const run = await openRun(init);
  const made = run.manifest.command;
  if (made === command) return run;
  throw new UsageError(
    `--init '${init}' is a run of embed ${made} and cannot be used by ${command}: use a run of ${command}, ` +
      "or train without --init",
  );
}

/** Checks --expire. @throws {UsageError} it is neither a span of time nor a number of trainings */
export function checkExpire({ expire }: Pick<GivenTraining, "expire">): void {
  // the time 0 stands for the newest event, because only the syntax is checked
  expiryOf(expire, 0);
}

/** Checks --dim. @param had dimension of the run's vectors @throws {UsageError} --dim differs */
export function checkDim({ path }: Run, had: number, dim: number | undefined): void {
  if (dim === undefined || dim === had) return;
  throw new UsageError(
    `--init '${path}' has vectors of dim ${had}, but --dim is ${dim}: omit --dim, or train without --init`,
  );
}

/** Warns if --keep-state is set but the run has no optimizer state. */
export function stateWarnings(
  { path }: Run,
  state: unknown,
  { keepState }: Pick<GivenTraining, "keepState">,
): string[] {
  return keepState && !state
    ? [`run '${path}' was trained without --keep-state: the optimizer starts from scratch`]
    : [];
}

/**
 * Reads the time when each key of a run's table was last seen, by feature, and how often it was missed since. Features
 * without a table row have the time UNKNOWN and were missed 0 times.
 *
 * @param file name of the history file, for a table other than the default table
 * @throws {ArtifactError} damaged
 */
export async function readKeyHistory(run: Run, space: FeatureSpace, file?: string): Promise<KeyHistory> {
  const features = tableFeatures(space);
  const { lastSeen, missed } = await readHistory(run, features.length, file);
  const all = {
    lastSeen: new BigInt64Array(space.numFeatures).fill(UNKNOWN),
    missed: new Uint32Array(space.numFeatures),
  };
  features.forEach((feature, row) => {
    all.lastSeen[feature] = lastSeen[row]!;
    all.missed[feature] = missed[row]!;
  });
  return all;
}
