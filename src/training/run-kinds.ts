// What a run holds, in words for messages: the manifest's name of a model says little to who did not write it.

import { TABLE_MODEL } from "../embedding/manifest.js";
import type { Run } from "../embedding/run-directory.js";

/** By the manifest's name of the model: what it is, and the command that writes it. */
const kinds: Readonly<Record<string, string>> = {
  fm: "a factorization machine (train-fm)",
  "fm-draws": "posterior draws (train-fm --method mcmc)",
  lr: "a linear model (train-fm --model lr)",
  ffm: "a field-aware factorization machine (train-fm --model ffm)",
  gbdt: "boosted trees (train-gbdt)",
  pca: "components of users and items (train-pca)",
  "pca-features": "components of features (train-pca --matrix features)",
  "pca-columns": "components of columns (train-pca --matrix columns)",
  "pca-cooccurrence": "components of co-occurring items (train-pca --matrix cooccurrence)",
  net: "a network (train-net)",
  [TABLE_MODEL]: "a table (import)",
};

/** `run 'PATH' holds WHAT`, the start of a message. */
export function holding({ path, manifest: { model } }: Pick<Run, "path" | "manifest">): string {
  return `run '${path}' holds ${kinds[model] ?? `a model '${model}'`}`;
}
