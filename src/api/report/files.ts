// What lies in a run's directory beside its table: importances of columns, what items are composed of, and the gates that a published version went through.

import { join } from "node:path";
import { gatesIfAny } from "../../embedding/gate-file.js";
import { GATE_FILE } from "../../embedding/publication.js";
import type { Run } from "../../embedding/run-directory.js";
import type { Gate, ReportedRun } from "../../report/content.js";
import { modelOf } from "../../trainers/index.js";

/** What a run's kind of model alone has to report: importances of columns, or what items are composed of. @throws {ArtifactError} damaged */
export async function reportedOf(run: Run): Promise<Pick<ReportedRun, "importances" | "shares">> {
  return (await (await modelOf(run))?.reported?.(run)) ?? {};
}

/** The gates of a published version. @throws {ArtifactError} gate.json is damaged */
export async function gatesOf({ path }: Run): Promise<Gate[] | undefined> {
  return await gatesIfAny(join(path, GATE_FILE));
}
