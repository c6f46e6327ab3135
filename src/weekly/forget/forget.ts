// embed forget removes keys from every version of a store, or from one run, as if the training had not known them.
//
// Each version is rewritten beside itself, completely, and then replaced. While the latest version is replaced,
// `latest` names a stand-in that is the new one already:
//
//   .000003.new-ID written   latest → .000003.new-ID   000003 replaced   latest → 000003   .000003.new-ID removed
//
// so that a reader that follows `latest` finds the old version or the new one at any moment. If the process is killed,
// some versions still contain the keys, but all are complete; the same command can be repeated.

import { basename, dirname, join, resolve } from "node:path";
import { RUN_MARKER } from "../../table/manifest.js";
import { ownRun, ownVersion } from "../../table/own-run.js";
import { PUBLICATION_FILE } from "../../table/publication.js";
import { openRun } from "../../table/run-directory.js";
import { ArtifactError, NoInputError, UsageError } from "../../base/errors.js";
import { writeDirectory } from "../../base/io/atomic.js";
import { restoreInterrupted, leftoversIn } from "../../base/io/leftovers.js";
import { version as tool } from "../../base/io/package-version.js";
import { pathExists } from "../../base/io/read-artifact.js";
import { checkReplaceable } from "../../base/io/replaceable.js";
import { removeTree, statOf } from "../../base/io/tree.js";
import {
  heldByDatasets,
  heldByRun,
  rewritingOf,
  writeRewritten,
  keyLines,
  parseKeys,
  fieldKeyTexts,
} from "./forget-run.js";
import { forgetInVersion, type ForgottenIn } from "./forget-version.js";
import {
  checkVersion,
  foreignIn,
  isStoreName,
  listVersions,
  namePath,
  storeNames,
  withStoreLock,
  type Publication,
} from "../store/store.js";
import type { AskedKeys } from "../../training/capabilities/forgetting/forgetting.js";
import type { WriterOptions } from "../store/options.js";
import type { forgetOptions } from "./options.js";
import { clearWork, withIdlePipelines, workFolders } from "../store/work-folder.js";

interface ForgetOptions extends WriterOptions<typeof forgetOptions> {
  /** called after each step of the work; tests interrupt the writer there */
  onStep?: (step: string) => void | Promise<void>;
}

export interface ForgetSummary {
  command: "forget";
  version: string;
  dryRun: boolean;
  /** versions or runs that contained at least one of the keys */
  changed: ForgottenIn[];
  /** versions or runs that contained none of the keys */
  unchanged: string[];
  /** keys that were found nowhere, as FIELD:KEY; it is an error if no key was found */
  notFound: string[];
  /** folders of step outputs that were removed; a pipeline computes these outputs again when it needs them */
  work: string[];
  /** files and folders of the store that embed has not written and that were not searched for the keys */
  notSearched: string[];
}

/**
 * Removes keys from a store, from all versions of one name in a store, or from one run.
 *
 * @param place path of the store, of the name (STORE/NAME), or of the run
 * @param texts the keys, as FIELD:KEY
 * @param keys  a file with more of them, one per line
 * @throws {NoInputError} the path does not exist @throws as forgetInStore and forgetInRun
 */
export async function forget(
  place: string,
  texts: readonly string[],
  { keys, ...options }: ForgetOptions,
): Promise<ForgetSummary> {
  const asked = parseKeys([...texts, ...(keys === undefined ? [] : await keyLines(keys))]);
  await restoreInterrupted(place);
  if (!(await statOf(place))?.isDirectory) {
    throw new NoInputError(`'${place}' does not exist, expected a store, a name in a store, or a run`);
  }
  if (await pathExists(join(place, RUN_MARKER))) return await forgetInRun(place, asked, options);
  const path = resolve(place);
  const [store, name] = [join(place, ".."), basename(path)];
  const isName = isStoreName(name) && (await listVersions(dirname(path), name)).length > 0;
  return isName
    ? await forgetInStore(store, name, asked, options)
    : await forgetInStore(place, undefined, asked, options);
}

/**
 * Removes keys from all versions in a store of runs, or from all versions of one name in it.
 *
 * Step outputs of pipelines are removed, because their inputs may contain the keys. All names are locked meanwhile.
 *
 * @throws {UsageError} no run has the field of a key, or none of the keys was found: nothing is changed
 * @throws {ArtifactError} a version is damaged: it cannot be rewritten, and must be removed first
 * @throws {OutputError} a directory contains a file that does not belong to the version
 * @throws {LockedError} another writer is running
 */
async function forgetInStore(
  store: string,
  name: string | undefined,
  asked: AskedKeys,
  { dryRun = false, onStep, ...lock }: ForgetOptions,
): Promise<ForgetSummary> {
  const names = await storeNames(store);
  if (name !== undefined && !names.includes(name))
    throw new NoInputError(`'${namePath(store, name)}' is a symbolic link, not a name of the store`);
  const summary = newSummary(dryRun);
  const folders = await workFolders(store);
  const each = name === undefined ? names : [name];
  const work = async (): Promise<void> => {
    const versions = (await Promise.all(each.map((one) => listVersions(store, one)))).flat();
    if (versions.length === 0)
      throw new NoInputError(`'${store}' has no versions: name a store, STORE/NAME or a run`);
    await checkAll(versions, asked);
    const held = await heldIn(versions, folders, asked);
    // files that a killed `embed forget` left may be the only ones that still contain a key
    const finished = dryRun ? 0 : await removeLeftovers(store, each);
    if (held.length === 0 && finished === 0) throw nothingHeld(store, asked);
    summary.notSearched = await foreignIn(store, each, name === undefined);
    summary.notFound = fieldKeyTexts(asked).filter((text) => !held.includes(text));
    if (held.length === 0) return;
    const keys = parseKeys(held);
    for (const version of versions) {
      const done = await forgetInVersion(store, version, keys, { dryRun, signal: lock.signal, onStep });
      if (done) summary.changed.push(done);
      else summary.unchanged.push(version.path);
    }
    for (const folder of folders) if (await clearWork(folder, dryRun)) summary.work.push(folder);
    if (!dryRun) await removeLeftovers(store, each);
  };
  const underLocks = names.reduceRight((inner, one) => () => withStoreLock(store, one, lock, inner), work);
  // takes the pipelines' locks before the names' locks, in the order of a publishing pipeline, which avoids a deadlock
  await (dryRun ? work() : withIdlePipelines(folders, lock, underLocks));
  return summary;
}

function newSummary(dryRun: boolean): ForgetSummary {
  const nothing = { changed: [], unchanged: [], notFound: [], work: [], notSearched: [] };
  return { command: "forget", version: tool, dryRun, ...nothing };
}

async function heldIn(
  versions: readonly Publication[],
  folders: readonly string[],
  asked: AskedKeys,
): Promise<string[]> {
  const held = new Set<string>();
  for (const { path } of versions)
    for (const text of await heldByRun(await openRun(path), asked)) held.add(text);
  for (const folder of folders) for (const text of await heldByDatasets(folder, asked)) held.add(text);
  return [...held];
}

function nothingHeld(place: string, asked: AskedKeys): UsageError {
  const texts = fieldKeyTexts(asked);
  const named =
    texts.length > 3 ? `${texts.slice(0, 3).join(", ")} and ${texts.length - 3} more` : texts.join(", ");
  return new UsageError(
    `${named} not found in '${place}': nothing was changed; write keys as in the log (with --hash-keys, as ` +
      "their hash), and the field as a column name, user or item",
  );
}

/** @returns the number of leftovers */
async function removeLeftovers(store: string, names: readonly string[]): Promise<number> {
  let count = 0;
  for (const one of names) {
    const path = namePath(store, one);
    for (const leftover of await leftoversIn(path)) {
      await removeTree(join(path, leftover.name));
      count++;
    }
  }
  return count;
}

/**
 * Removes keys from one run that is in no store.
 *
 * @throws {UsageError} the run is a version of a store, does not have the field of a key, or contains none of the keys
 * @throws {ArtifactError} it is damaged @throws {OutputError} its directory contains other files
 */
async function forgetInRun(
  path: string,
  asked: AskedKeys,
  { dryRun = false, signal, onStep }: Pick<ForgetOptions, "dryRun" | "signal" | "onStep">,
): Promise<ForgetSummary> {
  const run = await openRun(path);
  if (await pathExists(join(run.root, PUBLICATION_FILE))) {
    throw new UsageError(
      `'${path}' is a version of a store: name the store, or STORE/NAME, to forget in all its versions`,
    );
  }
  await checkFields([path], asked);
  await checkReplaceable(run.root, ownRun);
  const held = await heldByRun(run, asked);
  if (held.length === 0) throw nothingHeld(path, asked);
  const rewriting = (await rewritingOf(run, parseKeys(held)))!;
  if (!dryRun) {
    const write = async (dir: string): Promise<void> => {
      await writeRewritten(dir, run, rewriting, signal);
    };
    await writeDirectory(path, true, write, { signal, own: ownRun, onStep });
  }
  const changed = [{ path, dropped: rewriting.dropped, removed: [], remade: [] }];
  return {
    ...newSummary(dryRun),
    changed,
    notFound: fieldKeyTexts(asked).filter((text) => !held.includes(text)),
  };
}

/** Checks that all versions can be rewritten before the first is. */
async function checkAll(versions: readonly Publication[], asked: AskedKeys): Promise<void> {
  for (const { path, name, version } of versions) {
    try {
      await checkVersion(path);
    } catch (error) {
      if (!(error instanceof ArtifactError)) throw error;
      throw new ArtifactError(
        `'${path}' is damaged and cannot be rewritten (${error.message}): remove it with embed gc '${join(path, "../..")}' ${name} --remove ${Number(version)}, then forget again`,
        { cause: error },
      );
    }
    // a directory with files that do not belong to the version is not replaced, because these would be lost
    await checkReplaceable(path, ownVersion);
  }
  await checkFields(
    versions.map(({ path }) => path),
    asked,
  );
}

/** @throws {UsageError} none of the runs has the field of a key */
async function checkFields(paths: readonly string[], asked: AskedKeys): Promise<void> {
  const known = new Set<string>();
  for (const path of paths) {
    const { manifest } = await openRun(path);
    const roles = (manifest.roles ?? {}) as Record<string, unknown>;
    for (const role of ["user", "item"])
      if (roles[role] !== undefined) known.add(role).add(roles[role] as string);
    const { fields, multi } = roles as { fields?: string[]; multi?: object };
    for (const field of [...(fields ?? []), ...Object.keys(multi ?? {})]) known.add(field);
  }
  for (const field of asked.keys()) {
    if (known.size === 0 || known.has(field)) continue;
    throw new UsageError(`no run here has a field '${field}'; they have ${[...known].sort().join(", ")}`);
  }
}
