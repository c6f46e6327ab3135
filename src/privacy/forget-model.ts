// The files of model/ without some keys, as the run's kind of model rewrites them. A file that holds none of them stays as it is.

import type { Run } from "../embedding/run-directory.js";
import { ArtifactError } from "../errors.js";
import type { Forgetting, LostRows } from "../training/capabilities/forgetting/forgetting.js";
import { allKeys, type AskedKeys } from "../training/capabilities/forgetting/keys.js";
import { holdsWord } from "../training/capabilities/forgetting/text.js";

/** New content by path within the run. */
export type NewFiles = Map<string, Iterable<Uint8Array> | AsyncIterable<Uint8Array>>;

/**
 * What changes in model/.
 *
 * @param keys by column
 * @param lost of the default table
 * @returns new files, and how many keys of lists beside the table went
 * @throws {ArtifactError} damaged, or a file of a kind that this program cannot rewrite holds one of the keys
 */
export async function forgetInModel(
  run: Run,
  forgetting: Forgetting,
  keys: AskedKeys,
  lost: LostRows | undefined,
): Promise<{ files: NewFiles; dropped: number }> {
  const { files, known, dropped } = await forgetting.files(keys, lost);
  for (const path of Object.keys(run.manifest.files)) {
    const name = path.startsWith("model/") ? path.slice("model/".length) : undefined;
    if (name === undefined || known.has(name)) continue;
    if (!holdsWord(await run.readModelFile(name), allKeys(keys))) continue;
    throw new ArtifactError(
      `'${path}' of run '${run.path}' contains a key to forget, but this version cannot rewrite it: remove ` +
        "the run, and train it again without the key",
    );
  }
  return { files: new Map([...files].map(([name, chunks]) => [`model/${name}`, chunks])), dropped };
}
