// Computes fingerprints of the inputs of steps; a step is skipped if an output with the same fingerprint exists.
//
//   fingerprint   16 hexadecimal digits of the SHA-256 of: version of the program, kind of step, and its parts
//   parts         by name, so that a plan can say which of them changed; parts are based on contents, never on times or
//                 paths

import { join } from "node:path";
import type { ConfigSetting } from "../config/config-file.js";
import type { YamlOptions } from "../config/pipeline.js";
import { DATASET_MARKER } from "../dataset/encoded/description.js";
import { RUN_MARKER } from "../embedding/manifest.js";
import { NoInputError } from "../errors.js";
import { sha256Of, type InputFingerprint } from "../io/fingerprint.js";
import { version } from "../io/package-version.js";
import { fingerprintOf } from "../io/read-artifact.js";
import { statOf } from "../io/tree.js";
import { filesOfLog } from "../log/directory.js";
import { isRemote, type LogFile } from "../log/log.js";
import { engineInputs, NO_PATHS } from "./commands.js";

/** The inputs of a pipeline's step, by their names in messages. */
export type StepInputs = Readonly<Record<string, unknown>>;

/** Returns the fingerprint of each input of a step, and that of the program's version. */
export function fingerprintsOf(parts: StepInputs): Record<string, string> {
  const all = { ...parts, "embed's version": version };
  return Object.fromEntries(Object.entries(all).map(([name, part]) => [name, short(part)]));
}

/** Returns the fingerprint of a step. @param kind kind of step, because steps of two kinds may have the same inputs */
export function stepFingerprint(kind: string, parts: Readonly<Record<string, string>>): string {
  return short([kind, parts]);
}

function short(value: unknown): string {
  return sha256Of(JSON.stringify(value)).slice(0, 16);
}

/** A file of a log, with the columns that its path gives. */
export type PipelineLogFile = InputFingerprint & Pick<LogFile, "partition">;

/**
 * Returns the properties of a log that determine results: the content of its files, and the columns that their paths
 * contain.
 */
export function logPart(files: readonly PipelineLogFile[]): unknown {
  return files.map(({ bytes, sha256, partition }) =>
    Object.keys(partition).length === 0 ? [bytes, sha256] : [bytes, sha256, partition],
  );
}

/**
 * Returns the files of a log with size and checksum, which requires reading each file, and each table or query of an
 * engine, completely.
 *
 * @throws {NoInputError} one does not exist @throws {UsageError} a directory of a run
 * @throws {EmbedError} as engineInputs
 */
export async function logFiles(
  patterns: readonly string[],
  encoding: YamlOptions,
  signal: AbortSignal,
): Promise<PipelineLogFile[]> {
  const sides = [encoding["side"] ?? []].flat().map(String).filter(isRemote);
  const ofEngine = encoding["engine"] !== undefined;
  const rows = await engineInputs(encoding, ofEngine ? patterns : [], sides, signal);
  const files: PipelineLogFile[] = rows.map((input) => ({ ...input, partition: {} }));
  if (ofEngine) return files;
  for (const { path, partition } of (await filesOfLog(patterns)).files) {
    signal.throwIfAborted();
    if (!(await statOf(path))) throw new NoInputError(`log '${path}' does not exist`);
    files.push({ path, ...(await fingerprintOf(path)), partition });
  }
  return files;
}

/** Returns the options that determine results; files are represented by their content. */
export async function optionsPart(given: YamlOptions, settings: readonly ConfigSetting[]): Promise<unknown> {
  const paths = new Set(settings.filter(({ path }) => path).map(({ name }) => name));
  // the path of an additional output file is kept, because the file is also part of the result
  const idle = new Set(settings.filter(({ noBytes, path }) => noBytes && !path).map(({ name }) => name));
  const part: [string, unknown][] = [];
  for (const name of Object.keys(given).sort()) {
    if (idle.has(name)) continue;
    const value = given[name];
    const values = Array.isArray(value) ? (value as unknown[]) : [value];
    part.push([name, paths.has(name) ? await Promise.all(values.map(contentOf)) : value]);
  }
  return part;
}

/** Returns the content of the file or directory of a path; other values are returned unchanged. */
async function contentOf(value: unknown): Promise<unknown> {
  if (typeof value !== "string" || NO_PATHS.includes(value)) return value;
  for (const path of [value, join(value, RUN_MARKER), join(value, DATASET_MARKER), ...beforeColons(value)]) {
    const found = await statOf(path);
    if (found && !found.isDirectory) return [value.slice(path.length), (await fingerprintOf(path)).sha256];
  }
  return value;
}

/** Returns the parts of a value that may be paths: `items.csv:item_id` may refer to the file items.csv. */
function beforeColons(value: string): string[] {
  const parts = value.split(":");
  return parts.slice(1).map((_, i) => parts.slice(0, parts.length - 1 - i).join(":"));
}
