// Estimates the memory of training a network.

import { tableBytes, type Needs } from "../../training/session/needs.js";
import type { NetOptions } from "./options.js";

/** Number of bytes assumed for chunks of rows, batches and buffers of the threads. */
const BUFFERS = 64 << 20;

/**
 * Estimates the memory: the embedding layer with AdaGrad's sums, its initial values, the copy of the best epoch and the
 * table; dense layers with Adam's moments and a batch's activations; and the rows.
 */
export function netNeeds({ arch, dim: given, hidden, batchSize, crossBits, cross }: NetOptions): Needs {
  return {
    dim: given,
    advice:
      "--min-count, --max-vocab and --hash FIELD:BITS leave fewer features, --hidden and --batch-size make layers smaller",
    of(size, dim = given) {
      const { trainRows, heldOutRows, features, cells, ofColumn } = size;
      const width = arch === "fnn" ? dim + 1 : dim;
      const table = features * (5 * 4 * width + 24);
      const crosses = cross.length > 0 ? 2 ** crossBits : 0;
      const wide = arch === "wide-deep" ? 24 * (features + crosses) : 0;
      const sizes = [width * ofColumn.size, ...hidden];
      const dense = sizes.reduce((sum, inputs, layer) => {
        const outputs = sizes[layer + 1] ?? 1;
        return sum + 4 * (6 * inputs * outputs + 4 * batchSize * (inputs + outputs));
      }, 0);
      const rows = trainRows * (4 * cells + 8);
      const heldOut = heldOutRows * (4 * cells + 16);
      return {
        memory: table + wide + dense + rows + heldOut + BUFFERS,
        disk: 1.2 * tableBytes(size, width),
      };
    },
  };
}
