// Recognizes runs and versions of a store at an output path: which directories --force may replace, and which files in
// them this program wrote.

import { join } from "node:path";
import type { OwnDirectory } from "../base/io/replaceable.js";
import { whyNotListed } from "../base/io/listed-files.js";
import { readArtifact } from "../base/io/read-artifact.js";
import { kindAt } from "../base/io/tree.js";
import { RUN_MARKER } from "./manifest.js";
import { PUBLICATION_FILE, readPublication } from "./publication.js";

/** Recognizes runs that --force may replace. Only `embed forget` replaces versions of a store. */
export const ownRun: OwnDirectory = {
  what: "a run",
  marker: RUN_MARKER,
  async filesOf(dir) {
    const files = await filesInManifest(dir);
    return files && [RUN_MARKER, ...files];
  },
};

/** Recognizes versions of a store. */
export const ownVersion: OwnDirectory = {
  what: "a version",
  marker: PUBLICATION_FILE,
  async filesOf(dir) {
    const record = await readPublication(dir).catch(() => undefined);
    const files = await filesInManifest(dir);
    if (!record && !files) return undefined;
    return [RUN_MARKER, PUBLICATION_FILE, ...(files ?? []), ...Object.keys(record?.files ?? {})];
  },
};

/** Returns the paths of the files that a manifest lists; undefined if this program did not write the manifest. */
async function filesInManifest(dir: string): Promise<string[] | undefined> {
  const file = join(dir, RUN_MARKER);
  if ((await kindAt(file)) !== "file") return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(await readArtifact(file)).toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  // accepts every schema version, because other versions of this program wrote the other schema versions
  if (!isOfThisTool(parsed)) return undefined;
  const names = Object.keys(parsed.files);
  return whyNotListed(names) === undefined ? names : undefined;
}

/** Whether a manifest has a checksum of 64 digits for each file, and the members that describe a training. */
function isOfThisTool(parsed: unknown): parsed is { files: Record<string, unknown> } {
  if (!isRecord(parsed) || !isRecord(parsed["files"])) return false;
  const { schemaVersion, version, command, model, seed } = parsed;
  return (
    [version, command, model].every((text) => typeof text === "string") &&
    [schemaVersion, seed].every((number) => typeof number === "number") &&
    Object.values(parsed["files"]).every(isFingerprint)
  );
}

function isFingerprint(file: unknown): boolean {
  if (!isRecord(file)) return false;
  const { bytes, sha256 } = file;
  return typeof bytes === "number" && typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
