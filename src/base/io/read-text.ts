// Reads small text files of the user completely.

import { readFile } from "node:fs/promises";

/** Returns the file's text without a byte-order mark. @throws errors of the file system unchanged */
export async function readText(path: string): Promise<string> {
  return (await readFile(path, "utf8")).replace(/^\ufeff/, "");
}
