// publication.json makes a run directory a version of a store; the run's own manifest is unchanged.
//
//   schemaVersion   2 if `from` is present, which earlier versions of embed do not support; else 1
//   name, version   names of the folders of the version: STORE/NAME/VERSION
//   run             SHA-256 of the manifest of the published run
//   from            folder that relative paths of the run's log refer to, as a path relative to the version; absent if
//                   the run's manifest has no such folder
//   previous        name of the version that was the latest one before; null for the first version
//   files           size and SHA-256 of every file that the run's manifest does not list, including the manifest itself
//   sha256          SHA-256 of this object without the member sha256
//
// Its checksums cover every byte of a version. It contains no times.

import { join } from "node:path";
import { ArtifactError } from "../base/errors.js";
import { sha256Of } from "../base/io/fingerprint.js";
import {
  count,
  object,
  orNull,
  parseVersioned,
  path,
  record as recordOf,
  text,
} from "../base/io/json-shape.js";
import { checkListed, checkRegularFiles } from "../base/io/listed-files.js";
import { pathExists, readArtifact } from "../base/io/read-artifact.js";

/** Name of the file that identifies a run directory as a version of a store. */
export const PUBLICATION_FILE = "publication.json";
/** Name of the file with the results of the gates of a version. */
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

const shape = object(
  {
    ...{ name: text, version: text, run: text, previous: orNull(text) },
    files: recordOf(object({ bytes: count, sha256: text })),
  },
  { from: path },
);

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
 * @throws {ArtifactError} the file is damaged, has another schema version, or lists a file that is not in the directory
 */
export async function readPublication(dir: string): Promise<PublicationRecord | undefined> {
  const file = join(dir, PUBLICATION_FILE);
  checkRegularFiles(dir, [PUBLICATION_FILE]);
  if (!(await pathExists(file))) return undefined;
  const bytes = Buffer.from(await readArtifact(file));
  const record = parseVersioned(bytes, SCHEMA_VERSION, shape, file, remakeOf(dir)) as PublicationRecord;
  // publicationBytes determines every byte of the file from its content, so a file with other bytes is damaged
  if (!publicationBytes(record).equals(bytes))
    throw new ArtifactError(`'${file}' was changed or damaged: ${remakeOf(dir)}`);
  checkListed(Object.keys(record.files), file, [PUBLICATION_FILE]);
  checkRegularFiles(dir, Object.keys(record.files));
  return record;
}

/** Returns advice on how to replace a damaged version. @param dir STORE/NAME/VERSION */
export function remakeOf(dir: string): string {
  return `go back to an earlier version with embed rollback '${join(dir, "..")}'`;
}
