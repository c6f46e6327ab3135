// What lies in a run's directory beside its table: importances of trees, and the gates that a published version went through.

import { join } from "node:path";
import { GATE_FILE } from "../embedding/publication.js";
import { jsonLines, type Run } from "../embedding/run-directory.js";
import { ArtifactError } from "../errors.js";
import { pathExists, readArtifact } from "../io/read-artifact.js";
import type { Gate, ReportedRun } from "../report/content.js";
import { IMPORTANCES_FILE } from "../trainers/gbdt/artifact.js";

/** The importances of a run of trees. @throws {ArtifactError} damaged */
export async function importancesOf(run: Run): Promise<ReportedRun["importances"]> {
  const file = `model/${IMPORTANCES_FILE}`;
  if (!Object.hasOwn(run.manifest.files, file)) return undefined;
  const lines = jsonLines(await run.readModelFile(IMPORTANCES_FILE), join(run.path, file));
  return lines.map(({ column, splits, gain }) => ({
    column: String(column),
    splits: Number(splits),
    gain: Number(gain),
  }));
}

/** The gates of a published version. @throws {ArtifactError} gate.json is none */
export async function gatesOf({ path }: Run): Promise<Gate[] | undefined> {
  const file = join(path, GATE_FILE);
  if (!(await pathExists(file))) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(await readArtifact(file)).toString("utf8"));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const { outcomes } = (parsed ?? {}) as { outcomes?: unknown };
  if (!Array.isArray(outcomes))
    throw new ArtifactError(`'${file}' has no outcomes: restore it or publish again`);
  return outcomes.map((outcome: Partial<Gate>) => ({
    gate: String(outcome.gate),
    bound: String(outcome.bound),
    value: numberOrNull(outcome.value),
    previous: numberOrNull(outcome.previous),
    passed: outcome.passed === true,
    message: String(outcome.message),
  }));
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
