// Values of last version's gate.json: what its dataset said, which its run does not hold.

import { join } from "node:path";
import { gatesIfAny } from "../embedding/gate-file.js";
import { GATE_FILE } from "../embedding/publication.js";
import type { Run } from "../embedding/run-directory.js";

/**
 * Values of a version by gate; of a run that was published without gates, its rows alone.
 *
 * @throws {ArtifactError} gate.json is damaged
 */
export async function earlierValues({ path, manifest }: Run): Promise<Map<string, number>> {
  const values = new Map([["rows", manifest.rows]]);
  for (const { gate, value } of (await gatesIfAny(join(path, GATE_FILE))) ?? [])
    if (value !== null) values.set(gate, value);
  return values;
}
