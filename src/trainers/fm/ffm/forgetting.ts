// Keys leave a field-aware machine as they leave any run of factors; its layout names fields alone.

import type { Run } from "../../../embedding/run-directory.js";
import { factorForgetting } from "../../../factors/forgetting.js";
import type { Forgetting } from "../../../training/capabilities/forgetting/forgetting.js";

/** How keys leave a field-aware run. @throws {ArtifactError} damaged */
export async function fieldAwareForgetting(run: Run): Promise<Forgetting> {
  return await factorForgetting(run, { withoutKeys: ["ffm.json"] });
}
