// What decides what is sent to a server → a fingerprint, by which the server knows whether it holds it already.

import type { Run } from "../../embedding/run-directory.js";
import { sha256Of } from "../../io/fingerprint.js";
import { version } from "../../io/package-version.js";
import { fingerprintOf } from "../../io/read-artifact.js";

/**
 * 16 hexadecimal digits of the tool's version, the run's tables and model, and the options; where it goes does not count.
 *
 * @param given the options by name
 * @param files names of those whose values are paths, one or several, which count by their content
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
  const contents: Record<string, unknown> = {};
  for (const name of files) contents[name] = await Promise.all([given[name] ?? []].flat().map(contentOf));
  return sha256Of(JSON.stringify([version, ofRun, { ...given, ...contents }])).slice(0, 16);
}

async function contentOf(path: unknown): Promise<unknown> {
  return (await fingerprintOf(String(path))).sha256;
}
