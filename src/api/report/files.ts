// What lies in a run's directory beside its table: importances of trees, and the gates that a published version went through.

import { join } from "node:path";
import { gatesIfAny } from "../../embedding/gate-file.js";
import { GATE_FILE } from "../../embedding/publication.js";
import { jsonLines, type Run } from "../../embedding/run-directory.js";
import type { Gate, ReportedRun } from "../../report/content.js";
import { IMPORTANCES_FILE } from "../../trainers/gbdt/artifact.js";

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

/** The gates of a published version. @throws {ArtifactError} gate.json is damaged */
export async function gatesOf({ path }: Run): Promise<Gate[] | undefined> {
  return await gatesIfAny(join(path, GATE_FILE));
}
