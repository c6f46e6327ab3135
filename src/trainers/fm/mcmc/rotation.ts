// Rotating posterior draws: all of them and the table, which is their mean, by one matrix.

import type { Run } from "../../../embedding/run-directory.js";
import type { EmbeddingTable } from "../../../embedding/table.js";
import { factorFiles, rowsIn, rotating, type RotateTensors } from "../../../factors/rotation.js";
import { wholeRows, type Rotation } from "../../../training/capabilities/rotation.js";

const turnDraws: RotateTensors = (tensors, rotate) =>
  new Map(
    [...tensors.keys()]
      .filter((name) => name.endsWith(".vectors"))
      .map((name) => {
        const { shape, data } = rowsIn(tensors, name);
        return [name, { shape, data: rotate(data, new Uint8Array(shape[0]!)) }];
      }),
  );

/** The rotation of a run of draws. */
export function drawsRotation(run: Run, table: EmbeddingTable): Rotation {
  const files = rotating(run, { ...factorFiles, "draws.safetensors": turnDraws });
  return { groups: wholeRows(table), files };
}
