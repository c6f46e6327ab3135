// Removes keys from one version of a store: from the files of its run, and from files that its publication added.
//
//   exports of a changed run   written again if pipeline.json has their options, else removed
//   other files                removed if they contain a key in plain text
//   pipeline.json              kept if no export is missing: the weekly job then recognizes the version. Without it the
//                              job publishes again, with its exports

import { join, dirname } from "node:path";
import { RUN_MARKER } from "../../table/manifest.js";
import { PUBLICATION_FILE, publicationBytes, readPublication } from "../../table/publication.js";
import { openRun } from "../../table/run-directory.js";
import { either, flag, list, number, object, record, text } from "../../base/io/json-shape.js";
import { fingerprintOf, readArtifact, pathExists } from "../../base/io/read-artifact.js";
import { filesBelow, placeFile, statOf, makeDirectory } from "../../base/io/tree.js";
import { writeChunks, type WrittenFile } from "../../base/io/write.js";
import { rewritingOf, writeRewritten, type Rewriting } from "./forget-run.js";
import type { PipelineRecord, RecordedExport } from "../pipeline/plan.js";
import { EXPORTS_FOLDER, PIPELINE_FILE } from "../pipeline/version-files.js";
import { allKeys, type AskedKeys, holdsWord } from "../../training/capabilities/forgetting/forgetting.js";
import { replaceVersion, type Publication } from "../store/store.js";
import { EmbedError, UsageError } from "../../base/errors.js";

/** The result for one version or run. */
export interface ForgottenIn {
  path: string;
  /** number of rows that were removed from tables, plus the number of entries that were removed from lists */
  dropped: number;
  /** removed files that are not part of the run and contained the keys, or may have contained them */
  removed: string[];
  /** paths under exports/ of the exports that were written again without the keys */
  remade: string[];
}

/**
 * Rewrites a version without the keys; the caller holds the lock, and has verified the version.
 *
 * @returns undefined if it contains none of the keys
 * @throws {ArtifactError} a file of a kind that this program cannot rewrite contains one of the keys
 */
export async function forgetInVersion(
  store: string,
  version: Publication,
  asked: AskedKeys,
  {
    dryRun,
    signal,
    onStep,
  }: { dryRun: boolean; signal: AbortSignal; onStep: ((step: string) => void | Promise<void>) | undefined },
): Promise<ForgottenIn | undefined> {
  const { path, name } = version;
  const run = await openRun(path);
  const record = (await readPublication(path))!;
  const rewriting = await rewritingOf(run, asked);
  const beside = Object.keys(record.files).filter((file) => file !== RUN_MARKER);
  const goes = await heldBeside(path, beside, rewriting, asked);
  if (!rewriting && goes.length === 0) return undefined;

  const recorded = beside.includes(PIPELINE_FILE) ? await recordedExports(path) : { exports: [] };
  const exports = recorded.exports.filter(({ out }) => goes.some((file) => isExportFile(out, file)));
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

function reported(goes: readonly string[], remade: readonly { out: string }[]) {
  return {
    removed: goes.filter((file) => !remade.some(({ out }) => isExportFile(out, file))),
    remade: remade.map(({ out }) => out),
  };
}

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

/** Exports of the changed run in any format, and files outside of the run with a key in plain text. */
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
    // in JSON a key is quoted, so an unquoted number is not a key
    const shown = file.endsWith(".json") ? keys.map((key) => JSON.stringify(key)) : keys;
    if (isExport || holdsWord(await readArtifact(join(path, file)), shown)) held.push(file);
  }
  return held;
}

/**
 * Options that name files outside of the version to change, or a server. `embed` never writes them into the list of
 * exports in a version's pipeline.json.
 */
const NEVER_RECORDED = ["url-env", "into", "keys", "on", "out", "force"];

/** Returns an empty record if pipeline.json is damaged. `base` is the number of the base version. */
async function recordedExports(version: string): Promise<{ exports: RecordedExport[]; base?: string }> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(await readArtifact(join(version, PIPELINE_FILE))).toString("utf8"));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const { exports, base } = (parsed ?? {}) as Partial<PipelineRecord>;
  const number = base?.version;
  return {
    exports: Array.isArray(exports) ? exports.filter(isRecorded) : [],
    ...(typeof number === "string" && /^\d{6,}$/.test(number) && { base: number }),
  };
}

const scalar = either(text, number, flag);
const optionsShape = record(either(scalar, list(scalar), record(scalar)));

function isRecorded(each: RecordedExport): boolean {
  return (
    object({ out: text, options: object({ format: text }) })(each, "") === undefined &&
    optionsShape(each.options, "") === undefined &&
    !NEVER_RECORDED.some((name) => Object.hasOwn(each.options, name))
  );
}

function isExportFile(out: string, file: string): boolean {
  const place = `${EXPORTS_FOLDER}/${out}`;
  return file === place || file.startsWith(`${place}/`);
}

/** @param base the base version, for --delta @returns the exports that could be written */
async function remakeExports(
  run: string,
  exports: readonly RecordedExport[],
  base: string | undefined,
  signal: AbortSignal,
): Promise<RecordedExport[]> {
  const made: RecordedExport[] = [];
  if (exports.length === 0) return made;
  // loads the commands of a pipeline only here, because few versions have exports that name a forgotten key
  const { checkExport, runExport } = await import("../pipeline/commands.js");
  for (const each of exports) {
    const { delta, ...options } = each.options;
    if (delta !== undefined && (base === undefined || !(await pathExists(base)))) continue;
    const out = join(run, EXPORTS_FOLDER, each.out);
    const asked = { ...options, ...(delta !== undefined && { delta: base }), out };
    try {
      await checkExport(asked, (name, message) => {
        throw new UsageError(`${name}: ${message}`);
      });
      await makeDirectory(dirname(out));
      await runExport(asked, run, { signal, observe: () => undefined });
      made.push(each);
    } catch (error) {
      // an optional package may be missing here: the export is then removed, and reported as such
      if (signal.aborted || !(error instanceof EmbedError)) throw error;
    }
  }
  return made;
}
