// Estimates the memory of principal components.

import { PANEL } from "../../kernels/svd/binding.js";
import { basisPanels } from "../../solvers/svd/lanczos.js";
import { tableBytes, type Needs, type TrainingSize } from "../../training/session/needs.js";
import type { PcaOptions } from "./options.js";

/**
 * Estimates the memory: two copies of the matrix, one of them in the solver's memory; the basis of the shorter side of
 * the matrix; and the vectors of rows and columns.
 */
export function pcaNeeds({ matrix, dim: given }: PcaOptions): Needs {
  return {
    dim: given,
    advice: "--min-count leaves fewer features, and --where fewer rows",
    of(size, dim = given) {
      const { rows, columns, entries } = matrixOf(matrix, size);
      const [shorter, longer] = [Math.min(rows, columns), Math.max(rows, columns)];
      const basis = 4 * (basisPanels(dim) + 1) * PANEL * shorter + 4 * PANEL * longer;
      const results = 4 * dim * (rows + columns) + 2 * 4 * dim * size.features;
      return {
        memory: basis + results + 32 * entries + 16 * size.heldOutRows,
        disk: 1.2 * tableBytes(size, dim),
      };
    },
  };
}

/** Returns the size of the decomposed matrix. Co-occurrences are estimated as ten per event. */
function matrixOf(
  matrix: PcaOptions["matrix"],
  { trainRows, features, cells, ofColumn }: TrainingSize,
): { rows: number; columns: number; entries: number } {
  if (matrix === "features" || matrix === "columns")
    return { rows: trainRows, columns: features, entries: cells * trainRows };
  const largest = Math.max(0, ...ofColumn.values());
  if (matrix === "cooccurrence") return { rows: features, columns: features, entries: 10 * trainRows };
  return { rows: largest, columns: Math.max(1, features - largest), entries: trainRows };
}
