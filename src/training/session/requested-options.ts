// What a training was asked for, as its manifest keeps it: `embed reproduce` asks for the same again.

import { join } from "node:path";
import { DATASET_MARKER } from "../../dataset/encoded/description.js";
import { isEncodedDataset, readDescription } from "../../dataset/encoded/read.js";
import type { Asked } from "../../embedding/manifest.js";
import { openRun, type Run } from "../../embedding/run-directory.js";
import { fingerprintOf, sha256Of, type InputFingerprint } from "../../io/fingerprint.js";
import { isRemote } from "../../log/log.js";
import type { GivenTraining } from "../options/log.js";
import { decisive, type OptionTable } from "../options/table.js";
import { isCut } from "../options/split-options.js";

/**
 * @param given as the caller gave it, before anything was made of it
 * @param inputs of the log that was read
 * @param init the run of --init
 * @param remote inputs of further logs that came through a server
 */
export async function askedOf(
  paths: readonly string[],
  given: GivenTraining,
  table: OptionTable,
  inputs: readonly InputFingerprint[],
  init: string | undefined,
  remote: readonly InputFingerprint[],
): Promise<Asked> {
  const isFile = (part: number | string | undefined): part is string =>
    typeof part === "string" && !isCut(part);
  const encoded = await Promise.all(paths.map(isEncodedDataset));
  const log = encoded.some(Boolean) ? await Promise.all(paths.map(namedInput)) : inputs;
  const { candidates } = given as { candidates?: string };
  const parts = [
    ...new Set([
      ...[given.valid, given.test, given.validLike].filter(isFile).filter((path) => !isRemote(path)),
      ...(candidates ? [candidates] : []),
    ]),
  ];
  const runs = [...new Set([init, given.rowOrder])].filter((path) => path !== undefined);
  return {
    log: [...paths],
    options: decisive(table, given),
    inputs: [...log, ...remote, ...(await Promise.all(parts.map(namedInput)))],
    ...(await encodedOf(paths[0]!, encoded.some(Boolean))),
    runs: await Promise.all(runs.map(async (path) => ({ path, sha256: contentsOf(await openRun(path)) }))),
  };
}

/** How a dataset was encoded; nothing of one whose ids are hashed, since their secret is not to be reported. */
async function encodedOf(path: string, isEncoded: boolean): Promise<Pick<Asked, "encoded">> {
  if (!isEncoded) return {};
  const { inputs, options, hashKeys } = await readDescription(path);
  if (hashKeys) return {};
  const log = inputs.slice(0, inputs.length - options.sides.length).map(({ path: file }) => file);
  return { encoded: { log, options: { ...options } } };
}

/** What names an input's bytes: of an encoded dataset its description, which has the checksums of its rows. @throws {NoInputError} */
export async function namedInput(path: string): Promise<InputFingerprint> {
  return await fingerprintOf((await isEncodedDataset(path)) ? join(path, DATASET_MARKER) : path);
}

/** One checksum of everything that a run holds but its manifest, which has times. */
export function contentsOf({ manifest: { files } }: Run): string {
  const sorted = Object.entries(files)
    .map(([name, { sha256 }]) => `${name} ${sha256}\n`)
    .sort();
  return sha256Of(sorted.join(""));
}
