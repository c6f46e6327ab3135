// The validation part in the machine's memory, looked at after each epoch.

import type { FeatureRows } from "../../dataset/rows.js";
import type { StoppingMetric } from "../../training/epochs/early-stopping.js";
import { weightOf } from "../../numeric/indices.js";
import type { FmMachine } from "../../factors/machine.js";
import { RowsBuffer } from "../../factors/rows-buffer.js";

/** What the validation part says of the parameters as they are. */
interface Validation {
  /** mean a row, in the label's unit */
  loss: number;
  /** what early stopping goes by */
  stoppingValue: number;
}

/** Loads the validation part and returns what scores it. */
export function validationOf(
  machine: FmMachine,
  valid: FeatureRows,
  labelScale: number,
  correction: number,
  stoppingMetric: StoppingMetric | undefined,
): (() => Promise<Validation>) | undefined {
  if (valid.numRows === 0) return undefined;
  const buffer = new RowsBuffer(machine.arena, "the validation rows").load(valid, labelScale);
  const scores = machine.allocateScores(valid.numRows);
  const total = weightOf(valid);
  return async () => {
    const trained = machine.bias;
    machine.bias = trained + correction;
    const loss = ((await machine.score(buffer, scores)) / total) * labelScale ** 2;
    machine.bias = trained;
    if (!stoppingMetric) return { loss, stoppingValue: loss };
    const own = Float32Array.from(
      machine.arena.f32(scores).subarray(0, valid.numRows),
      (s) => s * labelScale,
    );
    return { loss, stoppingValue: Number.isFinite(loss) ? stoppingMetric.of(own, valid) : loss };
  };
}
