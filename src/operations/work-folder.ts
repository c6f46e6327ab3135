// STORE/.work/PIPELINE: what pipelines made on the way to a version. All of it can be made again; a pipeline at work holds its lock.

import { join } from "node:path";
import { LockedError } from "../errors.js";
import { leftoversIn } from "../io/leftovers.js";
import { withLock, type LockOptions } from "../io/lock.js";
import { entriesOf, removeTree } from "../io/tree.js";
import { LOCK } from "./store.js";

const FOLDER = ".work";

/** The pipelines' folders. @throws {IoError} the store cannot be read */
export async function workFolders(store: string): Promise<string[]> {
  const found = await entriesOf(join(store, FOLDER));
  return found.filter(({ kind }) => kind === "directory").map(({ name }) => join(store, FOLDER, name));
}

/** Does work while none of the pipelines is. @throws {LockedError} one is */
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

/** Removes step outputs unless it is a dry run; the caller holds the lock. @returns whether there were any */
export async function clearWork(folder: string, dryRun: boolean): Promise<boolean> {
  const outputs = (await entriesOf(folder)).filter(({ name }) => name !== LOCK);
  if (!dryRun) for (const { name } of outputs) await removeTree(join(folder, name));
  return outputs.length > 0;
}

/** What killed writers left in a pipeline's folder, removed unless it is a dry run; nothing of a pipeline that is at work. */
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
