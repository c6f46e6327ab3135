// A store of published runs: the versions of a name, the latest version, and the lock of the writer.
//
//   STORE/NAME/000001/    a version: a run directory, with publication.json beside its files
//   STORE/NAME/latest     a link that names the latest version; moved by one rename
//   STORE/NAME/.lock      the writer's lock, see base/io/lock
//
// Versions are numbered from 1 and no number is assigned twice; files of a dead writer have a name that starts with a
// dot. Readers take no lock: a directory with a version's name is always complete.

import { basename, isAbsolute, join, normalize } from "node:path";
import { ownVersion } from "../../table/own-run.js";
import {
  PUBLICATION_FILE,
  publicationBytes,
  readPublication,
  remakeOf,
  type PublicationRecord,
} from "../../table/publication.js";
import { RUN_MARKER } from "../../table/manifest.js";
import { checkFinite } from "../../metrics/table-facts.js";
import { fromPlace, openRun, type Run } from "../../table/run-directory.js";
import { ArtifactError, NoInputError, OutputError, UsageError } from "../../base/errors.js";
import { withTemporary, writeDirectory, writeFileAtomic, type AtomicOptions } from "../../base/io/atomic.js";
import { restoreInterrupted, leftoversIn } from "../../base/io/leftovers.js";
import { withLock, type LockOptions } from "../../base/io/lock.js";
import { whyNotListed } from "../../base/io/listed-files.js";
import {
  entriesOf,
  filesBelow,
  kindAt,
  linkFile,
  makeDirectory,
  movePointer,
  placeFile,
  readPointer,
  removeEmpty,
  removeWhole,
  statOf,
} from "../../base/io/tree.js";
import { checkArtifact, fingerprintOf } from "../../base/io/read-artifact.js";
import { writeChunks } from "../../base/io/write.js";

// STORE/NAME/latest: a symbolic link to the latest version beside it.
//
//   latest -> 000003            the version
//   latest -> .000003.new-ID    its stand-in while 000003 is being replaced
//
// A link to anything else was not created by this program and is never followed.

export const LATEST = "latest";

/** @param path STORE/NAME @throws {ArtifactError} another target @throws {IoError} */
async function readLatest(path: string): Promise<{ named: string; version: string } | undefined> {
  const link = join(path, LATEST);
  const named = await readPointer(link);
  if (named === undefined) return undefined;
  const version = numberOf(named);
  if (version !== undefined) return { named, version };
  throw new ArtifactError(
    `'${link}' points to '${named}', expected a version such as 000001: another program created this link; ` +
      remakeOf(link),
  );
}

/** Points the link to its version again if a killed writer left it pointing to the stand-in. */
async function settleLatest(path: string): Promise<void> {
  const link = join(path, LATEST);
  const named = await readPointer(link);
  const version = named === undefined ? undefined : standIn.exec(named)?.[1];
  if (version !== undefined) await movePointer(link, version);
}

function numberOf(named: string): string | undefined {
  return /^\d{6,}$/.test(named) ? named : standIn.exec(named)?.[1];
}

const standIn = /^\.(\d{6,})\.new-[^/]*$/;

/** A version that is published under a name. */
export interface Publication {
  name: string;
  /** number of the version as six digits, from 000001 */
  version: string;
  /** path of the version's directory, which is a run directory */
  path: string;
}

export const LOCK = ".lock";
/** Folder of the pipelines' step outputs. */
export const WORK = ".work";

/**
 * Returns the latest version of a name after verifying every checksum, which reads all of its files.
 *
 * @returns undefined if nothing was published under the name
 * @throws {ArtifactError} it is damaged; the message suggests `embed rollback`
 */
export async function latestVersion(store: string, name: string): Promise<Publication | undefined> {
  const latest = await namedLatest(store, name);
  if (latest) await checkVersion(latest.path);
  return latest;
}

/** Does not read the version. @throws {ArtifactError} it is gone, or the link has another target */
export async function namedLatest(store: string, name: string): Promise<Publication | undefined> {
  const path = namePath(store, name);
  const found = await readLatest(path);
  if (!found) return undefined;
  const latest = { name, version: found.version, path: join(path, found.named) };
  const kind = await kindAt(latest.path);
  if (kind === "directory") return latest;
  const what = kind === undefined ? "is gone" : "is not a directory";
  throw new ArtifactError(
    `'${join(path, LATEST)}' names '${found.named}', which ${what}: ${remakeOf(latest.path)}`,
  );
}

/** Whether the version exists or not; undefined without a link. @throws {IoError} */
export async function latestNumber(store: string, name: string): Promise<string | undefined> {
  const named = await readPointer(join(namePath(store, name), LATEST));
  return named === undefined ? undefined : numberOf(named);
}

/** Returns the versions of a name, the oldest first, unchecked; none without such a name. @throws {IoError} */
export async function listVersions(store: string, name: string): Promise<Publication[]> {
  const path = namePath(store, name);
  return (await entriesOf(path))
    .filter((entry) => entry.kind === "directory" && /^\d{6,}$/.test(entry.name))
    .map((entry) => ({ name, version: entry.name, path: join(path, entry.name) }))
    .sort((a, b) => Number(a.version) - Number(b.version));
}

/** @throws {NoInputError} there are none */
export async function versionsOf(store: string, name: string): Promise<Publication[]> {
  const versions = await listVersions(store, name);
  if (versions.length > 0) return versions;
  throw new NoInputError(
    `store '${store}' has no version of '${name}'; embed ls '${store}' lists the versions`,
  );
}

/** @param to number such as 3 or 000003 @throws {NoInputError} there is no such version */
export function versionCalled(versions: Publication[], to: string, what: string): Publication {
  const found = versions.find(({ version }) => /^\d+$/.test(to) && Number(version) === Number(to));
  if (found) return found;
  throw new NoInputError(
    `'${what}' has no version '${to}'; it has ${versions.map(({ version }) => version).join(", ")}`,
  );
}

/** Sorted; a name has no version if its first publication failed. @throws {NoInputError} there is no such store */
export async function storeNames(store: string): Promise<string[]> {
  if (!(await statOf(store))?.isDirectory) {
    throw new NoInputError(
      `store '${store}' does not exist: create it with embed publish RUN --store '${store}' --name NAME`,
    );
  }
  const names: string[] = [];
  for (const { name, kind } of await entriesOf(store)) {
    if (kind === "directory" && isStoreName(name) && (await isWritten(join(store, name)))) names.push(name);
  }
  return names;
}

/** Commands do not change directories without files that a publication has written. */
async function isWritten(path: string): Promise<boolean> {
  return (await entriesOf(path)).some(({ name }) => WRITTEN.test(name));
}

const WRITTEN = /^(\d{6,}|latest|\.lock|\.\d{6,}\.removed|\.(\d{6,}|latest)\.(new|old|gone)-.*)$/;

/** Returns paths in the directories of names, and with `all` in the store itself, that no command of a store wrote. */
export async function foreignIn(store: string, names: readonly string[], all: boolean): Promise<string[]> {
  const inNames = await Promise.all(
    names.map(async (name) => {
      const foreign = (await entriesOf(join(store, name))).filter((entry) => !WRITTEN.test(entry.name));
      return foreign.map((entry) => join(store, name, entry.name));
    }),
  );
  const beside = all ? (await entriesOf(store)).map(({ name }) => name) : [];
  const others = beside.filter((name) => name !== WORK && !names.includes(name));
  return [...others.map((name) => join(store, name)), ...inNames.flat()].sort();
}

/** Returns the directory of a name. @throws {UsageError} the name is invalid */
export function namePath(store: string, name: string): string {
  if (!isStoreName(name)) {
    throw new UsageError(
      `'${name}' is not a valid name: names have letters, digits, '_', '-' and '.', and do not start with ` +
        "'-' or '.'",
    );
  }
  return join(store, name);
}

/** Whether a text is a valid name for versions in a store. */
export function isStoreName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name) && name !== LATEST;
}

/**
 * Verifies every file of a version: those that the run's manifest lists, and those that its publication lists.
 *
 * @throws {ArtifactError} a file is missing or differs from the one that was published; the message suggests `embed
 * rollback`
 */
export async function checkVersion(path: string): Promise<PublicationRecord> {
  const publication = await readPublication(path);
  if (!publication) {
    throw new ArtifactError(`'${path}' has no ${PUBLICATION_FILE}: ${remakeOf(path)}`);
  }
  // opening the run verifies the manifest
  const { manifest } = await openRun(path);
  for (const [file, expected] of Object.entries({ ...manifest.files, ...publication.files })) {
    if (file !== RUN_MARKER) await checkArtifact(join(path, file), expected, remakeOf(path));
  }
  return publication;
}

/**
 * Calls `work` as the only writer of a name; a new name is created.
 *
 * @throws {LockedError} another writer still holds the lock after the wait
 * @throws {OutputError} the store is not writable
 */
export async function withStoreLock<T>(
  store: string,
  name: string,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const path = namePath(store, name);
  if ((await kindAt(path)) === "link") {
    throw new OutputError(
      `'${path}' is a symbolic link, but a name in a store must be a directory: replace the link with the ` +
        "directory itself",
    );
  }
  await makeDirectory(path);
  try {
    return await withLock(join(path, LOCK), options, async () => {
      await settle(store, name);
      return await work();
    });
  } catch (error) {
    // removes the directory of the name if the first publication failed
    await removeEmpty(path);
    throw error;
  }
}

/** Repairs what a killed writer left: a version that it had renamed, or a `latest` that points to a stand-in. */
async function settle(store: string, name: string): Promise<void> {
  const path = namePath(store, name);
  const old = (await leftoversIn(path)).filter(({ kind }) => kind === "old");
  for (const { of } of old) await restoreInterrupted(join(path, of), true);
  await settleLatest(path);
}

/**
 * Replaces a version in place; the caller holds the lock.
 *
 * A reader that follows `latest` finds the old one or the new one at any moment; a version that is not the latest is
 * absent between two renames.
 *
 * @param write fills a directory with the complete version
 */
export async function replaceVersion(
  store: string,
  { name, version, path: target }: Publication,
  write: (dir: string) => Promise<void>,
  signal: AbortSignal,
  onStep?: (step: string) => void | Promise<void>,
): Promise<void> {
  const options = { signal, own: ownVersion, onStep };
  if ((await latestNumber(store, name)) !== version)
    return await writeDirectory(target, true, write, options);
  const pointer = join(namePath(store, name), LATEST);
  const use = async (temporary: string): Promise<void> => {
    await checkVersion(temporary);
    await movePointer(pointer, basename(temporary));
    try {
      await onStep?.("stand-in");
      const same = async (dir: string): Promise<void> => {
        for (const file of await filesBelow(temporary))
          await linkFile(join(temporary, file), join(dir, file));
      };
      await writeDirectory(target, true, same, options);
    } finally {
      await movePointer(pointer, version);
    }
    await onStep?.("latest");
  };
  const isNamed = async (temporary: string): Promise<boolean> =>
    (await readPointer(pointer)) === basename(temporary);
  await withTemporary(target, write, use, isNamed);
}

/**
 * Publishes a complete run as the next version of a name and points `latest` to it; the caller holds the lock.
 *
 * Files are copied, so that later changes of the run or another version do not affect this one; each copy is verified.
 * If the link cannot be moved, the version is removed.
 *
 * @param extras by path within the version, with slashes: files, or directories with their content, to add to the run's
 * files
 * @param beforeLink called when the version is complete and `latest` still names the previous one
 * @throws {ArtifactError} the run is damaged, not finite, or changed meanwhile: nothing is published
 * @throws {UsageError} an extra's path is outside of the version or is a file of the run
 * @throws {IoError} disk full and the like: nothing is published
 */
export async function publishRun(
  run: string,
  store: string,
  name: string,
  extras: ReadonlyMap<string, string>,
  signal: AbortSignal,
  { onStep, beforeLink }: Pick<AtomicOptions, "onStep"> & { beforeLink?: () => Promise<void> } = {},
): Promise<Publication> {
  const path = namePath(store, name);
  const source = await openRun(run);
  await checkFinite(source);
  const beside = await extraFiles(extras, source);
  const previous = (await readLatest(path))?.version ?? null;
  const version = await nextVersion(store, name);
  const target = join(path, version);
  await writeDirectory(
    target,
    false,
    async (dir) => {
      for (const [file, expected] of Object.entries(source.manifest.files)) {
        signal.throwIfAborted();
        const from = join(source.root, file);
        if (!(await statOf(from))) await checkArtifact(from, expected);
        await placeFile(from, join(dir, file));
        await checkArtifact(join(dir, file), expected);
      }
      const files: PublicationRecord["files"] = {};
      for (const [file, from] of [...beside, [RUN_MARKER, join(source.root, RUN_MARKER)] as const]) {
        signal.throwIfAborted();
        await placeFile(from, join(dir, file));
        files[file] = await fingerprintOf(join(dir, file));
      }
      const { givenIn, manifest } = source;
      const from =
        givenIn === undefined ? {} : await fromPlace(target, givenIn, [...(manifest.asked?.log ?? []), "."]);
      const record = { name, version, run: files[RUN_MARKER]!.sha256, ...from, previous, files };
      await writeChunks(join(dir, PUBLICATION_FILE), [publicationBytes(record)], signal);
      // the copied manifest must equal the manifest that the files were checked against
      const placed = await openRun(dir);
      if (JSON.stringify(placed.manifest) !== JSON.stringify(source.manifest)) {
        throw new ArtifactError(`run '${run}' was replaced while it was being published: publish it again`);
      }
    },
    { signal, onStep },
  );
  try {
    await beforeLink?.();
    await movePointer(join(path, LATEST), version);
  } catch (error) {
    if ((await readPointer(join(path, LATEST))) !== version) await removeWhole(target).catch(() => undefined);
    throw error;
  }
  return { name, version, path: target };
}

/** Returns the number of the next version: the highest number that was ever assigned plus one. @throws {IoError} */
export async function nextVersion(store: string, name: string): Promise<string> {
  const numbers = (await entriesOf(namePath(store, name))).map((entry) => {
    const [, number, removed] = /^(?:(\d{6,})|\.(\d{6,})\.removed)$/.exec(entry.name) ?? [];
    return Number(number ?? removed ?? 0);
  });
  return String(Math.max(0, ...numbers) + 1).padStart(6, "0");
}

/** Leaves a marker file when the newest version is removed, so that its number is not reused. */
export async function markRemoved(path: string, version: string): Promise<void> {
  const mark = join(path, "..", `.${version}.removed`);
  await writeFileAtomic(mark, [], true);
}

/** Returns files to publish in addition to the run's, by the path that they get in the version. */
async function extraFiles(
  extras: ReadonlyMap<string, string>,
  { manifest }: Run,
): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const [to, from] of extras) {
    const found = await statOf(from);
    if (!found) throw new NoInputError(`'${from}', to be published as '${to}', does not exist`);
    const inside = found.isDirectory ? await filesBelow(from) : [""];
    for (const file of inside) {
      if (!(await statOf(join(from, file)))?.isFile)
        throw new UsageError(`'${join(from, file)}' is not a file and cannot be published as '${to}'`);
      files.set(normalize(join(to, file)), join(from, file));
    }
  }
  for (const file of files.keys()) {
    if (isAbsolute(file) || file.split("/").some((part) => part === ".." || part === ".")) {
      throw new UsageError(
        `'${file}' is outside the version: use a path within it, such as exports/items.txt`,
      );
    }
    if (file === RUN_MARKER || file === PUBLICATION_FILE || Object.hasOwn(manifest.files, file)) {
      throw new OutputError(
        `'${file}' is a file of the run itself: publish the other file under another name`,
      );
    }
  }
  const why = whyNotListed([...files.keys()], [RUN_MARKER, PUBLICATION_FILE, ...Object.keys(manifest.files)]);
  if (why !== undefined)
    throw new UsageError(`a version cannot contain ${why}: publish it under another name`);
  return files;
}
