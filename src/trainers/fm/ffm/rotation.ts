// Rotating a field-aware machine: pairs meet as <v_(i, g), v_(j, f)> for fields f of i, g of j, so that both blocks of a pair
// (f, g) share a rotation. Features of one multi-valued field meet by its own block.

import type { Run } from "../../../embedding/run-directory.js";
import type { EmbeddingTable } from "../../../embedding/table.js";
import { factorFiles, rotating } from "../../../factors/rotation.js";
import type { Rotation, VectorBlock } from "../../../training/capabilities/rotation.js";
import { readLayout } from "./layout.js";

/** The rotation of a field-aware run. @throws {ArtifactError} damaged */
export async function fieldAwareRotation(run: Run, table: EmbeddingTable): Promise<Rotation> {
  const { fields, dim: width } = await readLayout(run, table);
  const block = (f: number, g: number): VectorBlock => ({
    field: table.fields[f]!,
    partner: fields[g]!,
    offset: g * width,
    width,
  });
  const groups = fields.flatMap((_, f) =>
    fields.slice(f).map((__, i) => (i === 0 ? [block(f, f)] : [block(f, f + i), block(f + i, f)])),
  );
  return { groups, files: rotating(run, factorFiles) };
}
