// Removing a file that this tool wrote and needs no longer.

import { rm } from "node:fs/promises";
import { asIoError } from "./write.js";

/** Removes a file, if it is there. @throws {IoError} it cannot be removed */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw asIoError(error, `removing '${path}' failed`);
  }
}
