// Opens, checks and reads the run of --init, as far as all trainers need it.

import { expiryOf } from "../../dataset/vocabulary/last-seen.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { readHistory, UNKNOWN, type KeyHistory } from "../../embedding/key-history.js";
import { openRun, type Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { tableFeatures } from "../examples/feature-table.js";
import type { GivenTraining } from "../options/log.js";

/** The run of --init, its features, and when each key was last seen, by feature. */
export interface InitRun {
  run: Run;
  space: FeatureSpace;
  history: KeyHistory;
}

/**
 * Opens the run of --init, if there is one.
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

/** Checks --expire. @throws {UsageError} it is neither a time nor a number of trainings */
export function checkExpire({ expire }: Pick<GivenTraining, "expire">): void {
  // any time of the newest event will do
  expiryOf(expire, 0);
}

/** Checks --dim. @param had length of the run's vectors @throws {UsageError} --dim differs */
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
 * Reads when each key of a run's table was last seen, by feature; features without a table row are UNKNOWN, and not
 * missed.
 *
 * @param file name of the history, for a table other than the default one
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
