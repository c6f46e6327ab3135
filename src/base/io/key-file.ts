// Reads the secret of keyed hashes from a file, so that it is in no command line and no manifest.

import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { NoInputError, UsageError } from "../errors.js";
import { errorCode } from "./write.js";

const MIN_BYTES = 16;

/** HMAC-SHA256 under the secret, as 64 hexadecimal digits. Source: RFC 2104. */
export type KeyedHash = (bytes: Uint8Array) => string;

/**
 * Returns the hash function for the secret in a file: its bytes, without a trailing line end.
 *
 * @throws {NoInputError} the file does not exist or cannot be read
 * @throws {UsageError} the secret has fewer than 16 bytes and could be guessed
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
