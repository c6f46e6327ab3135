// Writes a small run directory without a training, for tests of commands that read runs.

import { encodeKeys } from "../log/keys.js";
import type { Manifest } from "../table/manifest.js";
import { writeRun } from "../table/run-directory.js";

/** The manifest of a run that has a table but no model. */
export const importedManifest: Omit<Manifest, "schemaVersion" | "files"> = {
  version: "0.0.0",
  command: "import",
  model: "table",
  options: {},
  seed: 1,
  inputs: [],
  roles: { fields: ["item"] },
  split: { by: "none", train: 1, valid: 0, test: 0 },
  rows: 1,
  metrics: {},
  timings: {},
  warnings: [],
};

/** Writes a run whose table has `numRows` keys `key 0`, `key 1`, ... of field `item`, and vectors of `value`, which may be NaN. */
export async function writeSmallRun(path: string, value: number, numRows = 200): Promise<void> {
  const dim = 8;
  await writeRun(path, true, {
    tables: {
      default: {
        dim,
        numRows,
        fields: ["item"],
        fieldOf: new Uint32Array(numRows),
        keys: encodeKeys(Array.from({ length: numRows }, (_, row) => `key ${row}`)),
        counts: new Uint32Array(numRows).fill(1),
        vectors: new Float32Array(numRows * dim).fill(value),
      },
    },
    manifest: { ...importedManifest, seed: value || 0 },
    modelFiles: {},
    metricsLines: [],
  });
}
