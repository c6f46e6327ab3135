// Where negatives come from, kept in a run (model/negatives.safetensors), so that evaluation draws as training did.
// It holds which items each user of the training part has.

import type { FeatureRows } from "../dataset/rows.js";
import { readSafetensors, safetensorsChunks, type Tensor } from "../embedding/safetensors.js";
import type { Run } from "../embedding/run-directory.js";
import { ArtifactError } from "../errors.js";
import type { Dictionary } from "../log/dictionary.js";
import type { NegativeSource } from "../sampling/negative-source.js";

const FILE = "negatives.safetensors";

/** The source as a file of model/. */
export function negativeFiles(source: NegativeSource): Record<string, readonly Uint8Array[]> {
  const { items, users, counts, templates, history } = source;
  const tensors = new Map<string, Tensor>();
  const put = (name: string, data: Tensor["data"]) => tensors.set(name, { shape: [data.length], data });
  put("items.bytes", items.bytes);
  put("items.offsets", items.offsets);
  put("items.counts", counts);
  put("users.bytes", users.bytes);
  put("users.offsets", users.offsets);
  put("history.indptr", history.indptr);
  put("history.items", history.items);
  put("templates.ids", templates.ids);
  if (templates.indptr) put("templates.indptr", templates.indptr);
  if (templates.values) put("templates.values", templates.values);
  return { [FILE]: safetensorsChunks(tensors) };
}

/** Reads it back. @throws {ArtifactError} damaged */
export async function readNegatives(run: Run): Promise<NegativeSource> {
  const tensors = readSafetensors(await run.readModelFile(FILE), FILE);
  const get = <T extends Tensor["data"]>(name: string): T => {
    const found = tensors.get(name);
    if (!found)
      throw new ArtifactError(`'${FILE}' of run '${run.path}' has no tensor '${name}': train again`);
    return found.data as T;
  };
  const dictionary = (name: string): Dictionary => {
    const offsets = get<Uint32Array>(`${name}.offsets`);
    return { size: offsets.length - 1, bytes: get<Uint8Array>(`${name}.bytes`), offsets };
  };
  const items = dictionary("items");
  const ids = get<Uint32Array>("templates.ids");
  const templates: FeatureRows = {
    numRows: items.size,
    width: tensors.has("templates.indptr") ? 0 : ids.length / items.size,
    ids,
    labels: new Float32Array(items.size),
    ...(tensors.has("templates.indptr") && { indptr: get<Uint32Array>("templates.indptr") }),
    ...(tensors.has("templates.values") && { values: get<Float32Array>("templates.values") }),
  };
  return {
    items,
    counts: get("items.counts"),
    templates,
    users: dictionary("users"),
    history: { indptr: get("history.indptr"), items: get("history.items") },
  };
}
