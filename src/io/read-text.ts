// Small text files of the user's own: read whole.

import { readFile } from "node:fs/promises";

/** The file's text, without a byte-order mark. @throws errors of the file system as they are */
export async function readText(path: string): Promise<string> {
  return (await readFile(path, "utf8")).replace(/^\ufeff/, "");
}
