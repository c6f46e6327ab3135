// Rotating two towers without layers: users are sums of the rows that they read, so that all turn together.

import { ascending } from "../../numeric/indices.js";
import type { Run } from "../../embedding/run-directory.js";
import type { Tensor } from "../../embedding/safetensors.js";
import type { EmbeddingTable } from "../../embedding/table.js";
import { UsageError } from "../../errors.js";
import { floatsIn, rowsIn, rotating, type RotateTensors } from "../../factors/rotation.js";
import { wholeRows, type Rotation } from "../../training/capabilities/rotation.js";
import { readForm } from "./model.js";
import { AGE, HISTORY_TABLE, PARAMETERS_FILE, USER_BIAS } from "./names.js";

/** @throws {UsageError} the run has a tower */
export async function towersRotation(run: Run, table: EmbeddingTable): Promise<Rotation> {
  const { userTower, itemTower } = await readForm(run);
  if (userTower.length > 0 || itemTower.length > 0)
    throw new UsageError(
      `run '${run.path}' cannot be rotated because it has a tower ` +
        `(--${userTower.length > 0 ? "user" : "item"}-tower). Warm-start every week with --init instead, or ` +
        "train without towers",
    );
  return {
    groups: wholeRows(table),
    tables: [{ name: HISTORY_TABLE, offset: 0 }],
    files: rotating(run, { [PARAMETERS_FILE]: rotateTensors }),
  };
}

const rotateTensors: RotateTensors = (tensors, rotate) => {
  const unknown = rowsIn(tensors, "unknown");
  const rotated = new Map<string, Tensor>();
  const fieldOf = ascending(unknown.shape[0]!);
  rotated.set("unknown", { shape: unknown.shape, data: rotate(unknown.data, fieldOf) });
  for (const name of [USER_BIAS, AGE].filter((one) => tensors.has(one))) {
    const { shape, data } = floatsIn(tensors, name);
    rotated.set(name, { shape, data: rotate(data, [0]) });
  }
  return rotated;
};
