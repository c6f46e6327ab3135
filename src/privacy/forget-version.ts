// One version of a store without some keys: its run, and what lies beside the run's files.
//
//   exports of what changed   made again where pipeline.json says how (forget-exports.ts), else removed
//   others                    removed when they hold a key in plain sight
//   pipeline.json             stays while no export is lacking: the weekly job finds the version as it published it. Without it the
//                             job publishes anew, with its exports

import { join } from "node:path";
import { RUN_MARKER } from "../embedding/manifest.js";
import { PUBLICATION_FILE, publicationBytes, readPublication } from "../embedding/publication.js";
import { openRun } from "../embedding/run-directory.js";
import { fingerprintOf, readArtifact } from "../io/read-artifact.js";
import { filesBelow, placeFile, statOf } from "../io/tree.js";
import { writeChunks, type WrittenFile } from "../io/write.js";
import { isOf, recordedExports, remakeExports } from "./forget-exports.js";
import { rewritingOf, writeRewritten, type Rewriting } from "./forget-run.js";
import { PIPELINE_FILE } from "../pipeline/plan.js";
import { EXPORTS_FOLDER } from "../pipeline/steps.js";
import { allKeys, type AskedKeys, holdsWord } from "../training/capabilities/forgetting/forgetting.js";
import { replaceVersion, type Publication } from "../store/store.js";

/** What became of one version or run. */
export interface ForgottenIn {
  path: string;
  /** rows of its tables and entries of its lists that are gone */
  dropped: number;
  /** files beside the run's that held the keys, or may have: they are gone */
  removed: string[];
  /** exports, by their place under exports/, that were made again without the keys */
  remade: string[];
}

/** How a version is rewritten. */
interface ForgetHow {
  dryRun: boolean;
  signal: AbortSignal;
  onStep: ((step: string) => void | Promise<void>) | undefined;
}

/**
 * Writes a version anew without the keys; its caller holds the lock, and has checked the version.
 *
 * @returns undefined when nothing of it holds one
 * @throws {ArtifactError} a file of a kind that this program cannot rewrite holds one of the keys
 */
export async function forgetInVersion(
  store: string,
  version: Publication,
  asked: AskedKeys,
  { dryRun, signal, onStep }: ForgetHow,
): Promise<ForgottenIn | undefined> {
  const { path, name } = version;
  const run = await openRun(path);
  const record = (await readPublication(path))!;
  const rewriting = await rewritingOf(run, asked);
  const beside = Object.keys(record.files).filter((file) => file !== RUN_MARKER);
  const goes = await heldBeside(path, beside, rewriting, asked);
  if (!rewriting && goes.length === 0) return undefined;

  const recorded = beside.includes(PIPELINE_FILE) ? await recordedExports(path) : { exports: [] };
  const exports = recorded.exports.filter(({ out }) => goes.some((file) => isOf(out, file)));
  const done = { path, dropped: rewriting?.dropped ?? 0, ...reported(goes, exports) };
  if (dryRun) return done;
  const { files: _, ...same } = run.manifest;
  const become: Rewriting = rewriting ?? { files: new Map(), manifest: same, dropped: 0, keys: asked };
  const write = async (dir: string): Promise<void> => {
    await writeRewritten(dir, run, become, signal);
    const made = await remakeExports(dir, exports, recorded.base && join(store, name, recorded.base), signal);
    Object.assign(done, reported(goes, made));
    const isLacking = done.removed.some((file) => file.startsWith(`${EXPORTS_FOLDER}/`));
    const stays = beside.filter((file) => !goes.includes(file) && !(isLacking && file === PIPELINE_FILE));
    for (const file of stays) await placeFile(join(path, file), join(dir, file));
    const files: Record<string, WrittenFile> = {};
    for (const file of [RUN_MARKER, ...stays, ...(await filesOf(dir, made))])
      files[file] = await fingerprintOf(join(dir, file));
    await writeChunks(join(dir, PUBLICATION_FILE), [publicationBytes({ ...record, files })], signal);
  };
  await replaceVersion(store, version, write, signal, onStep);
  return done;
}

/** The message about files that are removed, some of which are made again. */
function reported(goes: readonly string[], remade: readonly { out: string }[]) {
  return {
    removed: goes.filter((file) => !remade.some(({ out }) => isOf(out, file))),
    remade: remade.map(({ out }) => out),
  };
}

/** The files of exports, by their path within a version. */
async function filesOf(dir: string, exports: readonly { out: string }[]): Promise<string[]> {
  const found: string[] = [];
  for (const { out } of exports) {
    const place = join(EXPORTS_FOLDER, out);
    const isDirectory = (await statOf(join(dir, place)))?.isDirectory;
    found.push(
      ...(isDirectory ? (await filesBelow(join(dir, place))).map((file) => join(place, file)) : [place]),
    );
  }
  return found;
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
    const isExport =
      file.startsWith(`${EXPORTS_FOLDER}/`) && rewriting !== undefined && rewriting.dropped > 0;
    // in JSON a key stands in quotes: a number there is no key
    const shown = file.endsWith(".json") ? keys.map((key) => JSON.stringify(key)) : keys;
    if (isExport || holdsWord(await readArtifact(join(path, file)), shown)) held.push(file);
  }
  return held;
}
