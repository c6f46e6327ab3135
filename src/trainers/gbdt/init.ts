// --init RUN: trees of an earlier run that a training goes on from, or whose leaves it fits anew.

import type { Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { readGbdt, type GbdtArtifact } from "./forest/artifact.js";
import type { Feature } from "./features.js";
import { openOwnRun } from "../../training/warm-start/own-runs.js";
import type { GivenGbdt } from "./options.js";

/** An earlier run of trees. */
export interface EarlierTrees extends GbdtArtifact {
  run: string;
  opened: Run;
}

/** Opens the run of --init, if there is one. @throws {UsageError} it holds another model, or predicts another kind of label */
export async function openEarlierTrees(
  { init, task }: GivenGbdt,
  command: string,
): Promise<EarlierTrees | undefined> {
  if (init === undefined) return undefined;
  const run = await openOwnRun(init, command);
  const artifact = await readGbdt(run);
  if (artifact.statistics.length > 0)
    throw new UsageError(
      `--init '${init}' was trained with --ctr, whose statistics belong to its own log: train without --init`,
    );
  const before = artifact.preprocess.task;
  if (task !== undefined && task !== before)
    throw new UsageError(
      `--init '${init}' was trained with --task ${before}, but this training has --task ${task}: use a run ` +
        "of the same task",
    );
  return { ...artifact, run: init, opened: run };
}

/** @throws {UsageError} the log's columns are not the earlier run's */
export function checkSameColumns({ run, preprocess }: EarlierTrees, features: readonly Feature[]): void {
  const given = (columns: readonly { name: string; kind: string }[]) =>
    columns.map(({ name, kind }) => `${name} (${kind})`).join(", ");
  const [before, now] = [given(preprocess.columns), given(features)];
  if (before === now) return;
  throw new UsageError(
    `--init '${run}' has trees on the columns ${before}, but this log has ${now}: select the same columns ` +
      "with --fields, --numeric and --ignore",
  );
}

/** The roles that the earlier run had where nothing else is given. */
export function likeEarlier(
  earlier: EarlierTrees | undefined,
  { positiveFrom, task }: GivenGbdt,
): Pick<GivenGbdt, "positiveFrom" | "task"> {
  const before = earlier?.preprocess;
  const from = positiveFrom ?? before?.positiveFrom ?? undefined;
  const what = task ?? before?.task;
  return { positiveFrom: from, task: what };
}
