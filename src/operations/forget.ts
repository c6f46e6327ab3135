// embed forget: keys go out of every version of a store, or out of one run, as if the training had not known them.
//
// Each version is written anew beside itself, whole, and takes its own place. While the latest version changes places, `latest`
// names a stand-in that is the new one already:
//
//   .000003.new-ID written   latest → .000003.new-ID   000003 replaced   latest → 000003   .000003.new-ID removed
//
// so that whoever follows `latest` finds the old version or the new one at any moment. A kill on the way leaves some versions
// with the keys and all of them whole; the same command again finishes.

import { basename, dirname, join, resolve } from "node:path";
import { readPublication, PUBLICATION_FILE, publicationBytes } from "../embedding/publication.js";
import { RUN_MARKER } from "../embedding/manifest.js";
import { ownRun } from "../embedding/own-run.js";
import { openRun } from "../embedding/run-directory.js";
import { ArtifactError, NoInputError, UsageError } from "../errors.js";
import { restoreInterrupted, writeDirectory } from "../io/atomic.js";
import { leftoversIn } from "../io/leftovers.js";
import type { LockOptions } from "../io/lock.js";
import { version as tool } from "../io/package-version.js";
import { fingerprintOf, pathExists, readArtifact } from "../io/read-artifact.js";
import { placeFile, removeTree, statOf } from "../io/tree.js";
import { writeChunks } from "../io/write.js";
import { holdsWord } from "./forget-text.js";
import { PIPELINE_FILE } from "./pipeline-plan.js";
import { rewritingOf, writeRewritten, type Rewriting } from "./forget-run.js";
import { allKeys, keyLines, parseKeys, type AskedKeys } from "./forgotten-keys.js";
import {
  checkVersion,
  isStoreName,
  listVersions,
  namePath,
  namesOf,
  replaceVersion,
  withStoreLock,
  type Publication,
} from "./store.js";
import { clearWork, withIdlePipelines, workFolders } from "./work-folder.js";

export interface ForgetOptions extends LockOptions {
  /** says what would change, and writes nothing */
  dryRun?: boolean;
  /** called after each step; tests stop a writer there */
  onStep?: (step: string) => void | Promise<void>;
}

/** What became of one version or run. */
export interface ForgottenIn {
  path: string;
  /** rows of its tables and entries of its lists that are gone */
  dropped: number;
  /** files beside the run's that held the keys, or may have: they are gone */
  removed: string[];
}

export interface ForgetSummary {
  command: "forget";
  version: string;
  dryRun: boolean;
  /** what held one of the keys */
  changed: ForgottenIn[];
  /** what held none */
  unchanged: string[];
  /** folders of step outputs that were removed: they are made again when they are needed */
  work: string[];
}

/**
 * Takes keys out of what lies at a place: a store, a name in it, or one run.
 *
 * @param texts as FIELD:KEY
 * @param keys  a file of more of them, one a line
 * @throws {NoInputError} there is nothing at the place @throws as forgetInStore and forgetInRun
 */
export async function forget(
  place: string,
  texts: readonly string[],
  { keys, ...options }: ForgetOptions & { keys?: string },
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
 * Takes keys out of all versions of a store, or of one of its names.
 *
 * Step outputs of pipelines are removed, since what they were made of may hold the keys. All names are locked meanwhile.
 *
 * @throws {UsageError} no run has a field of the name that a key is of
 * @throws {ArtifactError} a version is damaged: it cannot be rewritten, and has to be removed first
 * @throws {LockedError} a writer is at work
 */
async function forgetInStore(
  store: string,
  name: string | undefined,
  asked: AskedKeys,
  { dryRun = false, onStep, ...lock }: ForgetOptions,
): Promise<ForgetSummary> {
  const names = await namesOf(store);
  const summary: ForgetSummary = {
    command: "forget",
    version: tool,
    dryRun,
    changed: [],
    unchanged: [],
    work: [],
  };
  const folders = await workFolders(store);
  const work = async (): Promise<void> => {
    const each = name === undefined ? names : [name];
    const versions = (await Promise.all(each.map((one) => listVersions(store, one)))).flat();
    if (versions.length === 0)
      throw new NoInputError(`'${store}' holds no versions: name a store, STORE/NAME or a run`);
    await checkAll(versions, asked);
    for (const version of versions) {
      await forgetInVersion(store, version, asked, summary, { dryRun, signal: lock.signal, onStep });
    }
    for (const folder of folders) if (await clearWork(folder, dryRun)) summary.work.push(folder);
    if (dryRun) return;
    for (const one of each) {
      const path = namePath(store, one);
      for (const leftover of await leftoversIn(path)) await removeTree(join(path, leftover.name));
    }
  };
  const underLocks = names.reduceRight((inner, one) => () => withStoreLock(store, one, lock, inner), work);
  // a pipeline takes its own lock first and a name's when it publishes: in another order both would wait
  await (dryRun ? work() : withIdlePipelines(folders, lock, underLocks));
  return summary;
}

/**
 * Takes keys out of one run that is in no store.
 *
 * @throws {UsageError} the run is a version of a store, or has no field of the name that a key is of
 * @throws {ArtifactError} it is damaged
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
  const rewriting = await rewritingOf(run, asked);
  if (rewriting && !dryRun) {
    const write = async (dir: string): Promise<void> => {
      await writeRewritten(dir, run, rewriting, signal);
    };
    await writeDirectory(path, true, write, { signal, own: ownRun, ...(onStep && { onStep }) });
  }
  const changed = rewriting ? [{ path, dropped: rewriting.dropped, removed: [] }] : [];
  const unchanged = rewriting ? [] : [path];
  return { command: "forget", version: tool, dryRun, changed, unchanged, work: [] };
}

/** Checks that all versions can be rewritten before the first is. */
async function checkAll(versions: readonly Publication[], asked: AskedKeys): Promise<void> {
  for (const { path } of versions) {
    try {
      await checkVersion(path);
    } catch (error) {
      if (!(error instanceof ArtifactError)) throw error;
      throw new ArtifactError(
        `'${path}' is damaged and cannot be rewritten (${error.message}): remove it with rm -r '${path}', then forget again`,
        { cause: error },
      );
    }
  }
  await checkFields(
    versions.map(({ path }) => path),
    asked,
  );
}

/** @throws {UsageError} none of the runs has a field of a key's name */
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

async function forgetInVersion(
  store: string,
  version: Publication,
  asked: AskedKeys,
  summary: ForgetSummary,
  { dryRun, signal, onStep }: Pick<ForgetOptions, "dryRun" | "signal"> & { onStep: ForgetOptions["onStep"] },
): Promise<void> {
  const { path } = version;
  const run = await openRun(path);
  const record = (await readPublication(path))!;
  const rewriting = await rewritingOf(run, asked);
  const beside = Object.keys(record.files).filter((file) => file !== RUN_MARKER);
  const removed = await heldBeside(path, beside, rewriting, asked);
  if (!rewriting && removed.length === 0) {
    summary.unchanged.push(path);
    return;
  }
  summary.changed.push({ path, dropped: rewriting?.dropped ?? 0, removed });
  if (dryRun) return;
  const { files: _, ...same } = run.manifest;
  const become: Rewriting = rewriting ?? { files: new Map(), manifest: same, dropped: 0, keys: asked };
  const write = async (dir: string): Promise<void> => {
    await writeRewritten(dir, run, become, signal);
    const files: typeof record.files = { [RUN_MARKER]: await fingerprintOf(join(dir, RUN_MARKER)) };
    for (const file of beside.filter((each) => !removed.includes(each))) {
      await placeFile(join(path, file), join(dir, file));
      files[file] = await fingerprintOf(join(dir, file));
    }
    await writeChunks(join(dir, PUBLICATION_FILE), [publicationBytes({ ...record, files })], signal);
  };
  await replaceVersion(store, version, write, signal, onStep);
}

/** Files beside the run's own that must go: exports of what changed, in whatever form, and what holds a key in plain sight. */
async function heldBeside(
  path: string,
  files: readonly string[],
  rewriting: Rewriting | undefined,
  asked: AskedKeys,
): Promise<string[]> {
  const keys = allKeys(rewriting?.keys ?? asked);
  const held: string[] = [];
  for (const file of files) {
    const isExport = file.startsWith("exports/") && rewriting !== undefined && rewriting.dropped > 0;
    // in JSON a key stands in quotes: a number there is no key
    const shown = file.endsWith(".json") ? keys.map((key) => JSON.stringify(key)) : keys;
    // without its record the weekly job publishes anew, with its exports, in place of finding nothing changed
    const isRecord = file === PIPELINE_FILE && rewriting !== undefined && rewriting.dropped > 0;
    if (isExport || isRecord || holdsWord(await readArtifact(join(path, file)), shown)) held.push(file);
  }
  return held;
}
