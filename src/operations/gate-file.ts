// gate.json beside a version's run: what last version's dataset told, which its run does not hold.

import { join } from "node:path";
import { GATE_FILE } from "../embedding/publication.js";
import type { Run } from "../embedding/run-directory.js";
import { ArtifactError } from "../errors.js";
import { pathExists, readArtifact } from "../io/read-artifact.js";

/**
 * Values of a version by gate; of a run that was published without gates, its rows alone.
 *
 * @throws {ArtifactError} gate.json is none
 */
export async function earlierValues({ path, manifest }: Run): Promise<Map<string, number>> {
  const values = new Map([["rows", manifest.rows]]);
  const file = join(path, GATE_FILE);
  if (!(await pathExists(file))) return values;
  for (const { gate, value } of parse(await readArtifact(file), file))
    if (value !== null) values.set(gate, value);
  return values;
}

function parse(bytes: Uint8Array, file: string): { gate: string; value: number | null }[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    throw new ArtifactError(`'${file}' is no JSON (${String(error)}): restore it or publish again`, {
      cause: error,
    });
  }
  const { outcomes } = (parsed ?? {}) as { outcomes?: unknown };
  if (!Array.isArray(outcomes))
    throw new ArtifactError(`'${file}' has no outcomes: restore it or publish again`);
  return outcomes as { gate: string; value: number | null }[];
}
