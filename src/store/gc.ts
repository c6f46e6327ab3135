// embed gc: old versions and what dead writers left are removed; never the latest version, never the newest ones.
//
// The newest version always stays, so that its number is not given a second time. A version is renamed before its files go, to
// a name that nothing brings back, so that under its own name it is whole to the end.
//
// What was never a version is not removed: folders that are called like one, such as 20240101, hold no manifest of a run.

import { join } from "node:path";
import { ownVersion } from "../embedding/own-run.js";
import { ArtifactError, NoInputError, OutputError, UsageError } from "../errors.js";
import { leftoversIn } from "../io/leftovers.js";
import { version as tool } from "../io/package-version.js";
import { removeFile } from "../io/write.js";
import { entriesOf, filesBelow, removeEmpty, removeTree, removeWhole, statOf } from "../io/tree.js";
import { LATEST } from "./latest.js";
import { gcOptions, type WriterOptions } from "./options.js";
import {
  checkVersion,
  latestNumber,
  latestVersion,
  listVersions,
  LOCK,
  markRemoved,
  namePath,
  namesOf,
  versionCalled,
  withStoreLock,
  type Publication,
} from "./store.js";
import { sweepWork, workFolders } from "./work-folder.js";

export interface GcSummary {
  command: "gc";
  version: string;
  store: string;
  dryRun: boolean;
  names: { name: string; kept: string[]; removed: string[]; leftovers: string[] }[];
  /** leftovers of killed writers among pipelines' step outputs */
  work: string[];
  /** of the versions and leftovers that were removed of names */
  bytes: number;
}

/**
 * Removes what a store, or one of its names, needs no longer.
 *
 * @throws {NoInputError} no such store, name or version
 * @throws {UsageError} the version to remove is the latest
 * @throws {OutputError} what would go is no version of a store
 * @throws {ArtifactError} a name's latest version is damaged: its earlier ones are needed, nothing of it is removed
 * @throws {LockedError} a writer is at work
 */
export async function gc(
  store: string,
  name: string | undefined,
  { keep = gcOptions.keep.default, remove, dryRun = false, ...lock }: WriterOptions<typeof gcOptions>,
): Promise<GcSummary> {
  if (remove !== undefined && name === undefined)
    throw new UsageError(`--remove needs a name: embed gc '${store}' NAME --remove ${remove}`);
  const names = await namesOf(store);
  if (name !== undefined && !names.includes(name)) {
    throw new NoInputError(`store '${store}' has no name '${name}'; embed ls '${store}' lists the names`);
  }
  const summary: GcSummary = { command: "gc", version: tool, store, dryRun, names: [], work: [], bytes: 0 };
  for (const each of name === undefined ? names : [name]) {
    const collect = async (): Promise<void> => {
      const { kept, removed, leftovers } =
        remove === undefined ? await planOf(store, each, keep) : await removalOf(store, each, remove);
      for (const path of [...removed.map(({ path }) => path), ...leftovers])
        summary.bytes += await bytesOf(path);
      const numbers = (versions: Publication[]): string[] => versions.map(({ version }) => version);
      summary.names.push({ name: each, kept: numbers(kept), removed: numbers(removed), leftovers });
      if (dryRun) return;
      for (const path of leftovers) await removeTree(path);
      for (const { path, version } of removed) {
        lock.signal.throwIfAborted();
        if (version === (await listVersions(store, each)).at(-1)!.version) await markRemoved(path, version);
        // of the last version of all, which was the latest
        if (kept.length === 0) await removeFile(join(namePath(store, each), LATEST));
        await removeWhole(path);
      }
    };
    await (dryRun ? collect() : withStoreLock(store, each, lock, collect));
    // a first publication that was killed leaves a name without versions
    if (!dryRun) await removeEmpty(namePath(store, each));
  }
  if (name === undefined) {
    for (const folder of await workFolders(store)) {
      summary.work.push(...(await sweepWork(folder, lock, dryRun)));
    }
  }
  return summary;
}

/** What stays and what goes of a name; its caller holds the lock, and so knows that no other writer lives. */
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

/** One version goes, whatever its state. */
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

/** Whether there is no version to go back to, and this one is of no use. */
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

async function bytesOf(path: string): Promise<number> {
  const found = await statOf(path);
  if (!found?.isDirectory) return found?.bytes ?? 0;
  let bytes = 0;
  for (const file of await filesBelow(path)) bytes += (await statOf(join(path, file)))?.bytes ?? 0;
  return bytes;
}
