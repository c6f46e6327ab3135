// How a field-aware run's vectors are laid out, in model/ffm.json: one block of `dim` numbers for each partner field, side by side.

import type { Run } from "../../../embedding/run-directory.js";
import { ArtifactError } from "../../../errors.js";
import { count, flag, list, object, parseJson, text } from "../../../io/json-shape.js";

const LAYOUT_FILE = "ffm.json";

/** What ffm.json holds. */
export interface VectorLayout {
  /** names, in the order of the blocks */
  fields: string[];
  /** numbers a block */
  dim: number;
  normalizeRows: boolean;
}

const layoutShape = object({ fields: list(text), dim: count, normalizeRows: flag });

/** The file, relative to model/. */
export function layoutFile(layout: VectorLayout): Record<string, string> {
  return { [LAYOUT_FILE]: `${JSON.stringify(layout, undefined, 2)}\n` };
}

/**
 * The layout of a run.
 *
 * @param table of the run @throws {ArtifactError} ffm.json does not go with it
 */
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
