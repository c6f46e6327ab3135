// STORE/.work/PIPELINE: intermediate outputs of pipelines, which can be computed again, and the record of refused rows. A
// running pipeline holds a lock.

import { join } from "node:path";
import { GATE_FILE } from "../../table/publication.js";
import { LockedError, OutputError } from "../../base/errors.js";
import { leftoversIn } from "../../base/io/leftovers.js";
import { withLock, type LockOptions } from "../../base/io/lock.js";
import { entriesOf, kindAt, makeDirectory, removeEmpty, removeTree } from "../../base/io/tree.js";
import { LOCK, WORK } from "./store.js";

/** Record of refused rows (weekly/pipeline/refusals.ts), which cannot be computed again. */
export const REFUSED_FILE = "refused.json";

/** Returns the folder of a pipeline's step outputs. */
export function workFolder(store: string, pipeline: string): string {
  return join(store, WORK, pipeline);
}

/** @throws {OutputError} the folder is, or is in, a symbolic link: files of another folder would be removed */
export async function makeWorkFolder(store: string, pipeline: string): Promise<void> {
  await checkNoLink(join(store, WORK));
  await checkNoLink(workFolder(store, pipeline));
  await makeDirectory(workFolder(store, pipeline));
}

/** @throws {OutputError} one is a symbolic link @throws {IoError} the store cannot be read */
export async function workFolders(store: string): Promise<string[]> {
  await checkNoLink(join(store, WORK));
  const folders: string[] = [];
  for (const { name, kind } of await entriesOf(join(store, WORK))) {
    if (kind === "link") await checkNoLink(join(store, WORK, name));
    if (kind === "directory") folders.push(join(store, WORK, name));
  }
  return folders;
}

async function checkNoLink(path: string): Promise<void> {
  if ((await kindAt(path)) !== "link") return;
  throw new OutputError(
    `'${path}' is a symbolic link, but step outputs must be in real folders of the store: remove the link; ` +
      "to use another disk, mount it there",
  );
}

/**
 * Removes step outputs that belong to other logs or options, and files of killed writers. Files that were not written
 * by a pipeline stay.
 *
 * @param trainings names of the pipeline's trainings, each of which has a folder
 * @param keeps whether the starting run can use a path
 * @throws {OutputError} a step output is a symbolic link
 */
export async function sweepOutputs(
  work: string,
  trainings: readonly string[],
  keeps: (path: string) => boolean,
): Promise<void> {
  await sweepFolder(work, keeps);
  for (const { name, kind } of await entriesOf(work)) {
    const path = join(work, name);
    const isOfPlan = trainings.includes(name);
    if (isOfPlan) await checkNoLink(path);
    if (kind !== "directory" || isOutput(name)) continue;
    await sweepFolder(path, isOfPlan ? keeps : () => false);
    if (!isOfPlan) await removeEmpty(path);
  }
}

async function sweepFolder(folder: string, keeps: (path: string) => boolean): Promise<void> {
  for (const { name } of await entriesOf(folder)) {
    const path = join(folder, name);
    if (!isOutput(name)) continue;
    await checkNoLink(path);
    if (!keeps(path)) await removeTree(path);
  }
}

/** `train-0123456789abcdef`, its checkpoint, `gate.json` (weekly/pipeline/plan.ts), or a leftover of a killed writer. */
function isOutput(name: string): boolean {
  return (
    name === GATE_FILE ||
    /^[a-z]+-[0-9a-f]{16}(\.checkpoint|\.json)?$/.test(name) ||
    /^\..+\.(new|old|gone)-\d+-[0-9a-f]+-.*$/.test(name)
  );
}

/** Calls `work` while no pipeline runs. @throws {LockedError} a pipeline is running */
export async function withIdlePipelines<T>(
  folders: readonly string[],
  lock: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const underAll = folders.reduceRight(
    (inner, folder) => () => withLock(join(folder, LOCK), lock, inner),
    work,
  );
  return await underAll();
}

/** Removes step outputs, except in a dry run; the caller holds the lock. @returns whether there were any */
export async function clearWork(folder: string, dryRun: boolean): Promise<boolean> {
  const outputs = (await entriesOf(folder)).filter(({ name }) => name !== LOCK && name !== REFUSED_FILE);
  if (!dryRun) for (const { name } of outputs) await removeTree(join(folder, name));
  return outputs.length > 0;
}

/** Returns files of killed writers, and removes them except in a dry run; none if the pipeline is running. */
export async function sweepWork(folder: string, lock: LockOptions, dryRun: boolean): Promise<string[]> {
  const found = async (): Promise<string[]> =>
    (await leftoversIn(folder)).filter(({ kind }) => kind !== "old").map(({ name }) => join(folder, name));
  if (dryRun) return await found();
  try {
    return await withLock(join(folder, LOCK), { ...lock, waitMs: 0 }, async () => {
      const leftovers = await found();
      for (const leftover of leftovers) await removeTree(leftover);
      return leftovers;
    });
  } catch (error) {
    if (error instanceof LockedError) return [];
    throw error;
  }
}
