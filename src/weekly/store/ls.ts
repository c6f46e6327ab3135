// embed ls lists the content of a store. It only reads, takes no lock, and reports damaged versions instead of failing.

import { join } from "node:path";
import { RUN_MARKER, type Manifest } from "../../table/manifest.js";
import { readPublication, remakeOf } from "../../table/publication.js";
import { openRun } from "../../table/run-directory.js";
import { ArtifactError, EmbedError, UsageError } from "../../base/errors.js";
import { version as tool } from "../../base/io/package-version.js";
import { filesBelow, kindAt, statOf } from "../../base/io/tree.js";
import {
  checkVersion,
  latestNumber,
  listVersions,
  storeNames,
  versionsOf,
  type Publication,
} from "./store.js";

/** A version, as the listing of a store shows it. */
export interface ListedVersion {
  name: string;
  version: string;
  path: string;
  latest: boolean;
  /** description of the version's damage; null if the version is intact */
  damage: string | null;
  bytes: number;
  /** time at which the version was written, by the clock of the machine that wrote it, ISO 8601; for display only */
  written: string | null;
  /** command that the version's manifest records; absent if the manifest cannot be read */
  command?: string;
  model?: string;
  /** number of rows of the log that the version was trained on */
  rows?: number;
  metric?: { part: string; name: string; value: number };
}

export interface StoreListing {
  command: "ls";
  version: string;
  store: string;
  checked: boolean;
  versions: ListedVersion[];
}

/**
 * Lists the versions of a store or of one of its names, sorted by name, the oldest version first.
 *
 * @param quick compares sizes instead of checksums
 * @throws {NoInputError} no such store or name
 * @throws {UsageError} a run is named
 */
export async function listStore(
  store: string,
  name: string | undefined,
  { quick = false, signal }: { quick?: boolean; signal: AbortSignal },
): Promise<StoreListing> {
  if ((await kindAt(join(store, RUN_MARKER))) === "file")
    throw new UsageError(
      `'${store}' is a run, not a store, which embed publish creates: embed report '${store}' describes a run`,
    );
  const names = await storeNames(store);
  const versions: ListedVersion[] = [];
  for (const each of name === undefined ? names : [name]) {
    const latest = await latestNumber(store, each);
    for (const version of await (name === undefined ? listVersions : versionsOf)(store, each)) {
      signal.throwIfAborted();
      versions.push(await describe(version, version.version === latest, quick));
    }
  }
  return { command: "ls", version: tool, store, checked: !quick, versions };
}

async function describe(version: Publication, latest: boolean, quick: boolean): Promise<ListedVersion> {
  const { path } = version;
  let bytes = 0;
  for (const file of await filesBelow(path)) bytes += (await statOf(join(path, file)))?.bytes ?? 0;
  const written = (await statOf(path))?.changed.toISOString() ?? null;
  const listed: ListedVersion = { ...version, latest, damage: null, bytes, written };
  try {
    const { manifest } = await openRun(path);
    const { command, model, rows } = manifest;
    const metric = metricOf(manifest);
    Object.assign(listed, { command, model, rows, metric });
    if (quick) await checkSizes(path, manifest);
    else await checkVersion(path);
  } catch (error) {
    if (!(error instanceof EmbedError)) throw error;
    listed.damage = error.message;
  }
  return listed;
}

async function checkSizes(path: string, { files }: Manifest): Promise<void> {
  const publication = await readPublication(path);
  for (const [file, { bytes }] of Object.entries({ ...files, ...publication?.files })) {
    const found = await statOf(join(path, file));
    if (found?.bytes === bytes) continue;
    const what = found ? `has ${found.bytes} bytes, not ${bytes}` : "is missing";
    throw new ArtifactError(`'${join(path, file)}' ${what}: ${remakeOf(path)}`);
  }
}

/** Metrics in the order of preference; one of them is shown for all versions. */
const SHOWN = [
  /^auc$/,
  /^rmse$/,
  /^ndcgAt\d+$/,
  /^multiLogLoss$/,
  /^logLoss$/,
  /^explainedVarianceRatioTotal$/,
];

function metricOf({ metrics }: Manifest): ListedVersion["metric"] {
  for (const part of ["test", "valid", "train"]) {
    const values = metrics[part] ?? {};
    for (const shown of SHOWN) {
      const name = Object.keys(values).find((key) => shown.test(key));
      const value = name === undefined ? undefined : values[name];
      if (name !== undefined && typeof value === "number") return { part, name, value };
    }
  }
  return undefined;
}
