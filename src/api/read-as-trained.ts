// Reading a further log as the one that a run was trained on.

import type { KeyHashing, Roles } from "../dataset/dataset.js";
import { isEncodedDataset, readDescription } from "../dataset/encoded/read.js";
import { secretIdOf } from "../dataset/hash-keys.js";
import { UsageError } from "../errors.js";
import { keyedHashFrom } from "../io/key-file.js";
import type { DatasetOptions } from "./read-dataset.js";

/** What a run's preprocess.json says of reading, whatever its model. */
export interface ReadAsTrained {
  roles: Roles;
  hashKeys?: KeyHashing;
}

/**
 * How ids are replaced as in training.
 *
 * @throws {UsageError} the run's ids are hashed and there is no secret, or another one; or they are not and there is one
 */
export async function secretOf(
  { hashKeys: hashing, roles: { session } }: ReadAsTrained,
  hashKeys: string | undefined,
  on: readonly string[],
): Promise<Pick<DatasetOptions, "hashKeys" | "hashKeysOf">> {
  if (!hashing && hashKeys === undefined) return {};
  if (!hashing) throw new UsageError("the run's ids are not hashed: leave out --hash-keys");
  // a dataset may hold hashes already, and says of which secret
  if (hashKeys === undefined && (await isEncodedDataset(on[0]!)) && (await readDescription(on[0]!)).hashKeys)
    return {};
  if (hashKeys === undefined)
    throw new UsageError("the run's ids are hashed: give the file with their secret, --hash-keys FILE");
  if (secretIdOf(await keyedHashFrom(hashKeys)) !== hashing.secretId)
    throw new UsageError(`the secret in '${hashKeys}' is not the one that the run's ids were hashed under`);
  // a log to evaluate on needs no session
  return { hashKeys, hashKeysOf: hashing.columns.filter((name) => name !== session) };
}
