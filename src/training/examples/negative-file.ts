// Where negatives come from, kept in a run (model/negatives.safetensors), so that evaluation draws as training did.
// It holds which items each user of the training part has.

import { safetensorsChunks, type Tensor } from "../../embedding/safetensors.js";
import { TensorFile } from "../../embedding/tensor-file.js";
import { numFeaturesOf, type Preprocess } from "../../dataset/vocabulary/preprocess.js";
import type { Run } from "../../embedding/run-directory.js";
import type { NegativeSource } from "../../sampling/negative-source.js";
import { dictionaryFrom, itemTensors, itemsFrom, NEGATIVES_FILE } from "./item-file.js";

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
export async function readNegatives(run: Run, preprocess: Preprocess): Promise<NegativeSource> {
  const tensors = await TensorFile.of(run, NEGATIVES_FILE);
  const catalogue = itemsFrom(tensors, numFeaturesOf(preprocess));
  const users = dictionaryFrom(tensors, "users");
  const items = tensors.ids("history.items", [undefined], catalogue.items.size);
  return {
    ...catalogue,
    users,
    history: { indptr: tensors.offsets("history.indptr", [users.size + 1], items.length), items },
  };
}
