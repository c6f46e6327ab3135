// The run of --init: opened, checked, and read as far as every trainer reads it.

import { expiryOf } from "../../dataset/vocabulary/expire.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { readHistory, UNKNOWN, type KeyHistory } from "../../embedding/key-history.js";
import { openRun, type Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { tableFeatures } from "../examples/feature-table.js";
import type { GivenTraining } from "../options/log.js";

/** The run of --init, its features, and when each of its keys was last seen, by feature. */
export interface InitRun {
  run: Run;
  space: FeatureSpace;
  history: KeyHistory;
}

/**
 * Opens the run of --init, if there is one.
 *
 * @param command of the training, whose runs alone it can start from
 * @throws {UsageError} another command made the run, or --expire is malformed @throws {ArtifactError} damaged
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

/** @throws {UsageError} --expire is neither a time nor a number of trainings */
export function checkExpire({ expire }: Pick<GivenTraining, "expire">): void {
  // the newest event does not matter here
  expiryOf(expire, 0);
}

/** @param had of the run's vectors @throws {UsageError} --dim says otherwise */
export function checkDim({ path }: Run, had: number, dim: number | undefined): void {
  if (dim === undefined || dim === had) return;
  throw new UsageError(
    `--init '${path}' has vectors of dim ${had}, but --dim is ${dim}: omit --dim, or train without --init`,
  );
}

/** Warns of --keep-state if the run has no state of its optimizer. */
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
 * When each key of a run's table was last seen, by feature; features that are no rows are UNKNOWN, and not missed.
 *
 * @param file of another table than the default one
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
