// What decides the rows of an export → a fingerprint, by which a server knows whether it holds them already.

import type { Run } from "../../embedding/run-directory.js";
import { sha256Of } from "../../io/fingerprint.js";
import { version } from "../../io/package-version.js";
import { fingerprintOf } from "../../io/read-artifact.js";

/**
 * 16 hexadecimal digits of the tool's version, the run's tables and model, and the options; a file of keys counts by its content,
 * and where the rows go does not count.
 *
 * @param told the options by name
 */
export async function exportFingerprint(
  { manifest }: Run,
  { urlEnv: _, into: __, ...told }: Record<string, unknown>,
): Promise<string> {
  const files = Object.keys(manifest.files)
    .filter((name) => /^(embeddings|model\/)/.test(name))
    .sort()
    .map((name) => [name, manifest.files[name]!.sha256]);
  const keys = typeof told["keys"] === "string" ? (await fingerprintOf(told["keys"])).sha256 : null;
  return sha256Of(JSON.stringify([version, files, { ...told, keys }])).slice(0, 16);
}
