// What a run holds, in words for messages: the manifest's name of a model says little to who did not write it.

import { TABLE_MODEL } from "../embedding/manifest.js";
import type { Run } from "../embedding/run-directory.js";
import { UsageError } from "../errors.js";

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

/** Models whose runs hold vectors and nothing that scores a row. */
const withoutScores: readonly string[] = ["pca-features", "pca-columns", "pca-cooccurrence", TABLE_MODEL];

/** `run 'PATH' holds WHAT`, the start of a message. */
export function holding({ path, manifest: { model } }: Pick<Run, "path" | "manifest">): string {
  return `run '${path}' holds ${kinds[model] ?? `a model '${model}'`}`;
}

/**
 * Checks that a run's model can score rows or rank items; of a model that this program does not know nothing is said.
 *
 * @throws {UsageError} it holds vectors alone; says what can be done with them
 */
export function checkScores(run: Pick<Run, "path" | "manifest">): void {
  const { model, roles } = run.manifest;
  if (!withoutScores.includes(model)) return;
  throw new UsageError(
    `${holding(run)}, and no model that scores rows: evaluate takes runs of train-fm, train-gbdt, train-net and ` +
      `train-pca --matrix interactions. ${insteadOfScores(model, roles as ColumnRoles)}`,
  );
}

interface ColumnRoles {
  user?: string;
  item?: string;
  fields?: readonly string[];
}

/** What a run that scores no rows is there for. */
function insteadOfScores(model: string, { user, item, fields = [] }: ColumnRoles): string {
  const judged = "Its table is judged by --labels FILE:item --neighbors-by COLUMN";
  const others = "and is there for embed neighbors, diff and export";
  if (model === TABLE_MODEL) return `${judged}, ranks after a trained run under --score dot, ${others}`;
  if (item === undefined || !fields.includes(item)) return "It is there for embed transform, report and diff";
  return user === undefined ? `${judged}, ${others}` : `${judged}, ranks under --score dot, ${others}`;
}
