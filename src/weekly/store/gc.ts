// embed gc removes old versions and files of dead writers. It never removes the latest version of a name.
//
// The version with the highest number stays, too, so that its number is not assigned again. A version is renamed before
// its files are deleted, to a name that is never restored, so that under its own name it is complete to the end.
//
// Folders with the name of a version, such as 20240101, that contain no manifest of a run are not removed.

import { join } from "node:path";
import { ownVersion } from "../../table/own-run.js";
import { ArtifactError, NoInputError, OutputError, UsageError } from "../../base/errors.js";
import { leftoversIn } from "../../base/io/leftovers.js";
import { version as tool } from "../../base/io/package-version.js";
import { removeFile } from "../../base/io/write.js";
import { entriesOf, filesBelow, removeEmpty, removeTree, removeWhole, statOf } from "../../base/io/tree.js";
import {
  LATEST,
  checkVersion,
  latestNumber,
  latestVersion,
  listVersions,
  LOCK,
  markRemoved,
  namePath,
  storeNames,
  versionCalled,
  withStoreLock,
  type Publication,
} from "./store.js";
import { gcOptions, type WriterOptions } from "./options.js";
import { sweepWork, workFolders } from "./work-folder.js";

export interface GcSummary {
  command: "gc";
  version: string;
  store: string;
  dryRun: boolean;
  names: { name: string; kept: string[]; removed: string[]; leftovers: string[] }[];
  /** files of killed writers among the step outputs of pipelines */
  work: string[];
  /** size of the versions and leftovers that were removed */
  bytes: number;
}

/**
 * Removes versions and leftovers that a store, or one of its names, no longer needs.
 *
 * @throws {NoInputError} no such store, name or version
 * @throws {UsageError} the version to remove is the latest
 * @throws {OutputError} a directory to remove is not a version of a store
 * @throws {ArtifactError} a name's latest version is damaged: its earlier ones may be needed, so nothing is removed
 * @throws {LockedError} another writer is running
 */
export async function gc(
  store: string,
  name: string | undefined,
  { keep = gcOptions.keep.default, remove, dryRun = false, ...lock }: WriterOptions<typeof gcOptions>,
): Promise<GcSummary> {
  if (remove !== undefined && name === undefined)
    throw new UsageError(`--remove needs a name: embed gc '${store}' NAME --remove ${remove}`);
  const names = await storeNames(store);
  if (name !== undefined && !names.includes(name)) {
    throw new NoInputError(`store '${store}' has no name '${name}'; embed ls '${store}' lists the names`);
  }
  const summary: GcSummary = { command: "gc", version: tool, store, dryRun, names: [], work: [], bytes: 0 };
  for (const each of name === undefined ? names : [name]) {
    const collect = async (): Promise<void> => {
      const { kept, removed, leftovers } =
        remove === undefined ? await planOf(store, each, keep) : await removalOf(store, each, remove);
      for (const path of [...removed.map(({ path }) => path), ...leftovers])
        summary.bytes += await diskUsage(path);
      const numbers = (versions: Publication[]): string[] => versions.map(({ version }) => version);
      summary.names.push({ name: each, kept: numbers(kept), removed: numbers(removed), leftovers });
      if (dryRun) return;
      for (const path of leftovers) await removeTree(path);
      for (const { path, version } of removed) {
        lock.signal.throwIfAborted();
        if (version === (await listVersions(store, each)).at(-1)!.version) await markRemoved(path, version);
        // no version is left, so the link to the latest version is removed, too
        if (kept.length === 0) await removeFile(join(namePath(store, each), LATEST));
        await removeWhole(path);
      }
    };
    await (dryRun ? collect() : withStoreLock(store, each, lock, collect));
    // removes the directory of a name without versions, which a first publication leaves if it is killed
    if (!dryRun) await removeEmpty(namePath(store, each));
  }
  if (name === undefined) {
    for (const folder of await workFolders(store)) {
      summary.work.push(...(await sweepWork(folder, lock, dryRun)));
    }
  }
  return summary;
}

/** Decides which versions of a name stay; the caller holds the lock, so no other writer is running. */
async function planOf(
  store: string,
  name: string,
  keep: number,
): Promise<{ kept: Publication[]; removed: Publication[]; leftovers: string[] }> {
  const latest = await latestVersion(store, name);
  const versions = await listVersions(store, name);
  const newest = versions.slice(-keep);
  const stays = (version: Publication): boolean =>
    newest.includes(version) || version.version === latest?.version;
  for (const { path } of versions.filter((version) => !stays(version))) {
    if (await ownVersion.filesOf(path)) continue;
    throw new OutputError(
      `'${path}' has neither a manifest.json nor a publication.json of this tool and may not be a version of ` +
        `a store: nothing of '${name}' was removed; check it, and move or remove it yourself`,
    );
  }
  const path = namePath(store, name);
  const takers = (await entriesOf(path)).filter((entry) => entry.name.startsWith(`${LOCK}.`));
  return {
    kept: versions.filter(stays),
    removed: versions.filter((version) => !stays(version)),
    leftovers: [...(await leftoversIn(path)), ...takers].map((leftover) => join(path, leftover.name)),
  };
}

/** Plans the removal of one version, even if the version is damaged. */
async function removalOf(store: string, name: string, asked: string): ReturnType<typeof planOf> {
  const versions = await listVersions(store, name);
  const goes = versionCalled(versions, asked, `${store}/${name}`);
  if ((await latestNumber(store, name)) === goes.version && !(await isLastAndDamaged(versions, goes))) {
    throw new UsageError(
      `'${goes.path}' is the latest version: first roll back with embed rollback '${join(store, name)}', or ` +
        "publish another version",
    );
  }
  return { kept: versions.filter((version) => version !== goes), removed: [goes], leftovers: [] };
}

/** Whether a version is damaged and there is no other version to go back to. */
async function isLastAndDamaged(versions: readonly Publication[], { path }: Publication): Promise<boolean> {
  if (versions.length > 1) return false;
  try {
    await checkVersion(path);
    return false;
  } catch (error) {
    if (error instanceof ArtifactError) return true;
    throw error;
  }
}

async function diskUsage(path: string): Promise<number> {
  const found = await statOf(path);
  if (!found?.isDirectory) return found?.bytes ?? 0;
  let bytes = 0;
  for (const file of await filesBelow(path)) bytes += (await statOf(join(path, file)))?.bytes ?? 0;
  return bytes;
}
