// publication.json: what makes a run directory a version of a store, beside the run's own manifest.
//
//   schemaVersion   2 where `from` is there, which earlier versions of embed do not know; else 1
//   name, version   where it stands: STORE/NAME/VERSION
//   run             sha256 of the manifest of the run that was published
//   from            the folder where the run's log was given, relative to the version; absent where the run states none
//   previous        the version that was the latest before it; null of the first
//   files           size and sha256 of every file that the run's manifest does not list, the manifest itself among them
//   sha256          of all of this but itself
//
// With it every byte of a version is under a checksum, and no clock stands in it.

import { join } from "node:path";
import { ArtifactError } from "../errors.js";
import { sha256Of } from "../io/fingerprint.js";
import { checkListed, checkRegularFiles } from "../io/listed-files.js";
import { pathExists, readArtifact } from "../io/read-artifact.js";

/** The file that tells a version of a store from any other run. */
export const PUBLICATION_FILE = "publication.json";
/** The file in which a version says what its gates found. */
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

/** The file's bytes. */
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
 * What a run directory's publication.json says; undefined of a run that is no version.
 *
 * @throws {ArtifactError} damaged, of another schema version, or it lists what is no file of the directory
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
    // the same words give the same bytes: any other byte is damage
    if (publicationBytes(record).equals(bytes) && record.from?.includes("\0") !== true) {
      checkListed(Object.keys(record.files), file, [PUBLICATION_FILE]);
      await checkRegularFiles(dir, Object.keys(record.files));
      return record;
    }
  }
  throw new ArtifactError(`'${file}' was changed or damaged: ${remakeOf(dir)}`);
}

/**
 * How its user gets a whole run again in place of a damaged version.
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
