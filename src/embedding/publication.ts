// publication.json makes a run directory a version of a store; the run's own manifest is unchanged.
//
//   schemaVersion   2 if `from` is present, which earlier versions of embed do not support; else 1
//   name, version   its place: STORE/NAME/VERSION
//   run             SHA-256 of the manifest of the published run
//   from            the folder that paths of the run's log refer to, relative to the version; absent if the run has none
//   previous        the version that was the latest before; null for the first
//   files           size and SHA-256 of every file that the run's manifest does not list, including the manifest itself
//   sha256          of all of this except itself
//
// It covers every byte of a version with a checksum, and contains no times.

import { join } from "node:path";
import { ArtifactError } from "../errors.js";
import { sha256Of } from "../io/fingerprint.js";
import { checkListed, checkRegularFiles } from "../io/listed-files.js";
import { pathExists, readArtifact } from "../io/read-artifact.js";

/** The file that identifies a version of a store among runs. */
export const PUBLICATION_FILE = "publication.json";
/** The file with the results of a version's gates. */
export const GATE_FILE = "gate.json";

const SCHEMA_VERSION = 2;

export interface PublicationRecord {
  name: string;
  version: string;
  run: string;
  from?: string;
  previous: string | null;
  files: Record<string, { bytes: number; sha256: string }>;
}

/** Returns the file's bytes. */
export function publicationBytes({ name, version, run, from, previous, files }: PublicationRecord): Buffer {
  const ordered = Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
  const reported = {
    schemaVersion: from === undefined ? 1 : SCHEMA_VERSION,
    name,
    version,
    run,
    from,
    previous,
    files: ordered,
  };
  const sha256 = sha256Of(JSON.stringify(reported));
  return Buffer.from(`${JSON.stringify({ ...reported, sha256 }, undefined, 2)}\n`);
}

/**
 * Reads a run directory's publication.json; undefined for a run that is not a version.
 *
 * @throws {ArtifactError} damaged, of another schema version, or it lists a file that is not in the directory
 */
export async function readPublication(dir: string): Promise<PublicationRecord | undefined> {
  const file = join(dir, PUBLICATION_FILE);
  await checkRegularFiles(dir, [PUBLICATION_FILE]);
  if (!(await pathExists(file))) return undefined;
  const bytes = Buffer.from(await readArtifact(file));
  let parsed: unknown;
  try {
    parsed = JSON.parse(bytes.toString("utf8"));
  } catch {
    parsed = undefined;
  }
  if (isRecord(parsed) && isRecord(parsed.files)) {
    if (parsed.schemaVersion !== 1 && parsed.schemaVersion !== SCHEMA_VERSION) {
      throw new ArtifactError(
        `'${file}' has schema version ${String(parsed.schemaVersion)}, expected at most ${SCHEMA_VERSION}: ` +
          "use the version of embed that wrote it",
      );
    }
    const record = parsed as unknown as PublicationRecord;
    // the content determines the bytes, so any other byte is damage
    if (publicationBytes(record).equals(bytes) && record.from?.includes("\0") !== true) {
      checkListed(Object.keys(record.files), file, [PUBLICATION_FILE]);
      await checkRegularFiles(dir, Object.keys(record.files));
      return record;
    }
  }
  throw new ArtifactError(`'${file}' was changed or damaged: ${remakeOf(dir)}`);
}

/**
 * Returns advice for replacing a damaged version.
 *
 * @param dir the version's directory, STORE/NAME/VERSION
 */
export function remakeOf(dir: string): string {
  return `go back to an earlier version with embed rollback '${join(dir, "..")}'`;
}

function isRecord(
  value: unknown,
): value is Record<string, unknown> & { files?: unknown; schemaVersion?: unknown } {
  return typeof value === "object" && value !== null;
}
