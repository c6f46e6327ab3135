// A secret that ids are replaced under: read from a file, so that it stands in no command line and no manifest.

import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { NoInputError, UsageError } from "../errors.js";
import { errorCode } from "./error-code.js";

const MIN_BYTES = 16;

/** HMAC-SHA256 under the secret, as 64 hexadecimal digits. Source: RFC 2104. */
export type KeyedHash = (bytes: Uint8Array) => string;

/**
 * The hash under a file's secret: its bytes, without the line end after them.
 *
 * @throws {NoInputError} no such file, or it cannot be read
 * @throws {UsageError} a secret of fewer than 16 bytes, which can be guessed
 */
export async function keyedHashFrom(path: string): Promise<KeyedHash> {
  let content: Buffer;
  try {
    content = await readFile(path);
  } catch (error) {
    throw new NoInputError(`the key file '${path}' cannot be read (${errorCode(error)})`, { cause: error });
  }
  let end = content.length;
  if (content[end - 1] === 10) end--;
  if (content[end - 1] === 13) end--;
  if (end < MIN_BYTES) {
    throw new UsageError(
      `the key file '${path}' must have at least ${MIN_BYTES} bytes, got ${end}: create one with openssl ` +
        "rand -hex 32",
    );
  }
  const secret = content.subarray(0, end);
  return (bytes) => createHmac("sha256", secret).update(bytes).digest("hex");
}
