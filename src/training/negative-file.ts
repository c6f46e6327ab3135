// Where negatives come from, kept in a run (model/negatives.safetensors), so that evaluation draws as training did.
// It holds which items each user of the training part has.

import { safetensorsChunks, type Tensor } from "../embedding/safetensors.js";
import type { Run } from "../embedding/run-directory.js";
import type { NegativeSource } from "../sampling/negative-source.js";
import { dictionaryFrom, itemTensors, itemsFrom, NEGATIVES_FILE, tensorsOf } from "./item-file.js";

/** The source as a file of model/. */
export function negativeFiles(source: NegativeSource): Record<string, readonly Uint8Array[]> {
  const { users, history } = source;
  const tensors = new Map<string, Tensor>(itemTensors(source));
  const put = (name: string, data: Tensor["data"]) => tensors.set(name, { shape: [data.length], data });
  put("users.bytes", users.bytes);
  put("users.offsets", users.offsets);
  put("history.indptr", history.indptr);
  put("history.items", history.items);
  return { [NEGATIVES_FILE]: safetensorsChunks(tensors) };
}

/** Reads it back. @throws {ArtifactError} damaged */
export async function readNegatives(run: Run): Promise<NegativeSource> {
  const tensors = await tensorsOf(run, NEGATIVES_FILE);
  const { get } = tensors;
  return {
    ...itemsFrom(tensors),
    users: dictionaryFrom(get, "users"),
    history: { indptr: get("history.indptr") as Uint32Array, items: get("history.items") as Uint32Array },
  };
}
