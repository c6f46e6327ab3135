// Whether the files of a run may have names of items, as far as the first lines of its logs tell: loading what reads a
// log takes longer than a search.

import { join } from "node:path";
import { EmbedError } from "../../base/errors.js";
import { artifactChunks } from "../../base/io/read-artifact.js";
import type { ReadOptions } from "../../log/log.js";
import type { Run } from "../../table/run-directory.js";

/** Words of a column that names keys, from the best. */
export const NAME_WORDS = ["title", "name", "description"];

/** Returns false only if all files of the run are delimited text without such a column, or are gone. */
export async function mayHaveNames({ manifest, givenIn = "" }: Run): Promise<boolean> {
  const { encoding, columns } = (manifest.options["reading"] ?? {}) as ReadOptions;
  if (encoding !== undefined || columns) return true;
  for (const { path } of manifest.inputs) {
    const head = (await headOf(join(givenIn, path))) ?? (await headOf(path));
    if (head === undefined) continue;
    const end = head.indexOf(0x0a);
    const line = head.subarray(0, Math.max(0, end)).toString("latin1").toLowerCase();
    const isCells = end > 0 && /^(?:\xef\xbb\xbf)?[\t\x20-\x7a|]+\r?$/.test(line);
    if (!isCells || NAME_WORDS.some((word) => line.replaceAll(/[^a-z]/g, "").includes(word))) return true;
  }
  return false;
}

/** Returns the first bytes of a file; undefined if it is gone, or is not a regular file. */
async function headOf(path: string): Promise<Buffer | undefined> {
  try {
    for await (const chunk of artifactChunks(path)) return Buffer.from(chunk.buffer, 0, chunk.length);
    return Buffer.alloc(0);
  } catch (error) {
    if (error instanceof EmbedError) return undefined;
    throw error;
  }
}
