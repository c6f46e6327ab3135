// Fingerprint of an export to a server, by which an export recognizes that the server already has the rows.

import type { Run } from "../../table/run-directory.js";
import { sha256Of } from "../../base/io/fingerprint.js";
import { version } from "../../base/io/package-version.js";
import { fingerprintOf } from "../../base/io/read-artifact.js";

/**
 * Returns 16 hexadecimal digits: a hash of embed's version, the run's tables and model, and the options except the
 * destination.
 *
 * @param files names of options whose values are paths, of which the hash includes the contents instead of the name
 */
export async function exportFingerprint(
  { manifest }: Run,
  { urlEnv: _, into: __, ...given }: Record<string, unknown>,
  files: readonly string[] = ["keys"],
): Promise<string> {
  const ofRun = Object.keys(manifest.files)
    .filter((name) => /^(embeddings|model\/)/.test(name))
    .sort()
    .map((name) => [name, manifest.files[name]!.sha256]);
  const checksumOf = async (path: unknown) => (await fingerprintOf(String(path))).sha256;
  const contents: Record<string, unknown> = {};
  for (const name of files) contents[name] = await Promise.all([given[name] ?? []].flat().map(checksumOf));
  return sha256Of(JSON.stringify([version, ofRun, { ...given, ...contents }])).slice(0, 16);
}
