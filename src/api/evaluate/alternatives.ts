// What can be done with a run that cannot be evaluated as asked, by what its kind of model can do.

import type { Run } from "../../embedding/run-directory.js";
import { modelOf } from "../../trainers/index.js";
import type { Capabilities } from "../../training/capabilities/model.js";

interface ColumnRoles {
  user?: string;
  item?: string;
  fields?: readonly string[];
}

/** Of a run that neither predicts labels nor ranks items. */
export function insteadOfScores({ manifest }: Pick<Run, "manifest">, model: Capabilities): string {
  const { user, item, fields = [] } = manifest.roles as ColumnRoles;
  const evaluated = "Evaluate its table with --labels FILE:item --neighbors-by COLUMN";
  const others = "and use it with embed neighbors, diff and export";
  // a run that does not say how a log is read has imported its table
  if (!model.preprocess) return `${evaluated}, ranks after a trained run under --score dot, ${others}`;
  if (item === undefined || !fields.includes(item)) return "It is there for embed transform, report and diff";
  return user === undefined ? `${evaluated}, ${others}` : `${evaluated}, ranks under --score dot, ${others}`;
}

/** Of a run that does not say how a log is read. */
export async function insteadOfReading(run: Run): Promise<string | undefined> {
  return (await modelOf(run))?.evaluate ? undefined : "Its table ranks after a trained run under --score dot";
}

/** Of a run that predicts no labels. */
export async function insteadOfLabels(run: Run): Promise<string | undefined> {
  return (await modelOf(run))?.rank ? "It ranks items: use --ranking" : undefined;
}

/** Of a run that ranks no items. */
export async function insteadOfRanking(run: Run): Promise<string | undefined> {
  return (await modelOf(run))?.preprocess ? "--score dot or --score cosine ranks by its table" : undefined;
}
