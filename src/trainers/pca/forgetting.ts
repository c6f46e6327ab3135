// Keys leave components: model/pca.safetensors (artifact.ts), whose columns are items, features or columns of the log.

import type { Run } from "../../embedding/run-directory.js";
import {
  forgettingOf,
  type Forgetting,
  type ForgetTensors,
} from "../../training/capabilities/forgetting/forgetting.js";
import { clearRows } from "../../training/capabilities/forgetting/tensors.js";

const components: ForgetTensors = (tensors, { features, users, items, rows }) => {
  const clear = (name: string, at: Iterable<number>): void => {
    const tensor = tensors.get(name);
    if (tensor) clearRows(tensor, at);
  };
  if (tensors.has("itemUsers")) {
    for (const name of ["components", "columnScale", "mean", "itemUsers"]) clear(name, items);
    for (const name of ["rowScale", "userEvents"]) clear(name, users);
  } else for (const name of ["components", "columnScale", "mean"]) clear(name, features.keys());
  return { dropped: 0, changed: rows.length > 0 };
};

/** How keys leave a run of components. @throws {ArtifactError} damaged */
export async function componentForgetting(run: Run): Promise<Forgetting> {
  return await forgettingOf(run, { tensors: { "pca.safetensors": components } });
}
