// What lies in a run's directory beside its table: importances of columns, what items are composed of, and the gates that a published version went through.

import { join } from "node:path";
import { gatesIfAny } from "../../embedding/gate-file.js";
import { GATE_FILE } from "../../embedding/publication.js";
import type { Run } from "../../embedding/run-directory.js";
import type { Gate, ReportedRun } from "../../report/content.js";
import { modelOf } from "../../trainers/index.js";

/** The importances of a run's columns, where its kind of model has them. @throws {ArtifactError} damaged */
export async function importancesOf(run: Run): Promise<ReportedRun["importances"]> {
  return await (await modelOf(run))?.importances?.(run);
}

/** What a run's items are composed of, where its kind of model composes them. @throws {ArtifactError} damaged */
export async function sharesOf(run: Run): Promise<ReportedRun["shares"]> {
  return await (await modelOf(run))?.shares?.(run);
}

/** The gates of a published version. @throws {ArtifactError} gate.json is damaged */
export async function gatesOf({ path }: Run): Promise<Gate[] | undefined> {
  return await gatesIfAny(join(path, GATE_FILE));
}
