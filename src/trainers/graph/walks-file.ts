// --walks-out: writes walks as text for other tools, one walk per line, with keys separated by spaces.

import { keyAt } from "../../log/keys.js";
import { DataError, excerpt } from "../../errors.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { writeFileAtomic } from "../../io/atomic.js";
import { NO_NODE } from "../../kernels/walks/binding.js";
import type { SgnsMachine } from "../../skip-grams/machine.js";

/** By feature: white space becomes `_`, as in exports for word2vec. */
export function wordsOf({ fields, offsets, numFeatures }: FeatureSpace): string[] {
  const words = Array.from({ length: numFeatures }, () => "");
  const keys = fields[0]!;
  if (keys.kind !== "key") throw new RangeError("nodes are keys");
  const changed = new Map<string, string>();
  for (let code = 0; code < keys.keys.size; code++) {
    const key = keyAt(keys.keys, code);
    const word = key.replaceAll(/\s/gu, "_");
    words[offsets[0]! + 1 + code] = word;
    if (word === key) continue;
    const other = changed.get(word);
    if (other !== undefined) throw clash(other, key, word);
    changed.set(word, key);
  }
  if (changed.size > 0)
    for (let code = 0; code < keys.keys.size; code++) {
      const key = keyAt(keys.keys, code);
      const other = changed.get(key);
      if (other !== undefined) throw clash(other, key, key);
    }
  return words;
}

function clash(one: string, other: string, word: string): DataError {
  return new DataError(
    `keys ${excerpt(one)} and ${excerpt(other)} are both written as ${excerpt(word)} by --walks-out: rename one of them`,
  );
}

/** Writes the walks of the first epoch. @throws {OutputError} the file exists, and `force` is false */
export async function writeWalks(
  path: string,
  words: readonly string[],
  machine: SgnsMachine,
  walkLength: number,
  { force, signal }: { force: boolean; signal: AbortSignal },
): Promise<void> {
  async function* lines(): AsyncGenerator<Uint8Array> {
    for (let chunk = 0; chunk < machine.numChunks; chunk++) {
      signal.throwIfAborted();
      const nodes = await machine.walk(1, chunk);
      const text: string[] = [];
      for (let from = 0; from < nodes.length; from += walkLength) {
        const walk = nodes.subarray(from, from + walkLength);
        const end = walk.indexOf(NO_NODE);
        text.push(Array.from(end < 0 ? walk : walk.subarray(0, end), (node) => words[node]!).join(" "));
      }
      yield Buffer.from(`${text.join("\n")}\n`);
    }
  }
  await writeFileAtomic(path, lines(), force, { signal });
}
