// A directory for what is of no use once it was looked at.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unfinishedEnds, unfinishedStarts } from "./unfinished.js";
import { asIoError } from "./write.js";

/** Calls `work` with a new directory under the system's temporary one, and removes it however that ends. @throws {IoError} */
export async function withTemporaryDirectory<T>(
  name: string,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const path = await mkdtemp(join(tmpdir(), `embed-${name}-`)).catch((error: unknown) => {
    throw asIoError(error, `making a directory in '${tmpdir()}' failed`);
  });
  unfinishedStarts({ path });
  try {
    return await work(path);
  } finally {
    await rm(path, { recursive: true, force: true });
    unfinishedEnds(path);
  }
}
