// Estimates the memory of training boosted trees.

import { CELL_BYTES, NARROW_CELLS } from "../../kernels/gbdt/binding.js";
import type { Needs } from "../../training/session/needs.js";
import type { GbdtOptions } from "./options.js";

/** Number of bytes per leaf in a run: splits, values and categories. */
const LEAF = 200;

/**
 * Estimates the memory: the bins of the rows, stored by row and by column, with gradients, scores and the order of
 * rows; and the histograms of each leaf and thread. Key columns are not copied.
 */
export function gbdtNeeds({ numLeaves, numTrees, threads }: GbdtOptions): Needs {
  return {
    advice: "--where and --ignore leave fewer rows and columns, and --num-leaves fewer histograms",
    of({ trainRows, heldOutRows, cells, features, keyBytes }) {
      const histograms = (numLeaves + threads) * NARROW_CELLS * CELL_BYTES * cells;
      const rows = trainRows * (2 * cells + 44) + heldOutRows * (cells + 24);
      return { memory: histograms + rows, disk: numTrees * numLeaves * LEAF + 24 * features + keyBytes };
    },
  };
}
