// gate.json as it is written, and the values of last version's: what its dataset said, which its run does not hold.

import { join } from "node:path";
import { countGates, gatesIfAny, type GateOutcome } from "../embedding/gate-file.js";
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

/** The bytes of gate.json. */
export function gateJson(outcomes: readonly GateOutcome[]): string {
  const counts = countGates(outcomes);
  return `${JSON.stringify({ schemaVersion: 2, passed: counts.failed === 0, counts, outcomes }, undefined, 2)}\n`;
}
