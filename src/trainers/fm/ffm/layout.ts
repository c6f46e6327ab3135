// The layout of a field-aware run's vectors, in model/ffm.json: consecutive blocks of `dim` numbers, one per partner
// field.

import type { Run } from "../../../table/run-directory.js";
import { ArtifactError } from "../../../base/errors.js";
import { count, flag, list, object, parseJson, text } from "../../../base/io/json-shape.js";

const LAYOUT_FILE = "ffm.json";

interface VectorLayout {
  /** names of the partner fields, in the order of the blocks */
  fields: string[];
  /** number of dimensions of a block, which is the vector for one partner field */
  dim: number;
  normalizeRows: boolean;
}

const layoutShape = object({ fields: list(text), dim: count, normalizeRows: flag });

export function layoutFile(layout: VectorLayout): Record<string, string> {
  return { [LAYOUT_FILE]: `${JSON.stringify(layout, undefined, 2)}\n` };
}

/** @throws {ArtifactError} ffm.json does not match the run's table */
export async function readLayout(
  run: Run,
  table: { dim: number; fields: readonly string[] },
): Promise<VectorLayout> {
  const layout = parseJson(await run.readModelFile(LAYOUT_FILE), layoutShape, LAYOUT_FILE) as VectorLayout;
  const { length } = table.fields;
  const isOfTable = layout.fields.every((name, f) => name === table.fields[f]);
  if (isOfTable && layout.fields.length === length && layout.dim * length === table.dim) return layout;
  throw new ArtifactError(
    `${LAYOUT_FILE} of run '${run.path}' has ${layout.fields.length} fields with vectors of length ` +
      `${layout.dim}, but the table has ${length} fields and vectors of length ${table.dim}: train the run ` +
      "again",
  );
}
