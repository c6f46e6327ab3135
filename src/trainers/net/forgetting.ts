// Keys leave a network: its own files have no row a key, but the table's.

import type { Run } from "../../embedding/run-directory.js";
import { forgettingOf, type Forgetting } from "../../training/capabilities/forgetting/forgetting.js";

/** How keys leave a run of a network. @throws {ArtifactError} damaged */
export async function networkForgetting(run: Run): Promise<Forgetting> {
  return await forgettingOf(run, { withoutKeys: ["net.json", "net.safetensors"] });
}
