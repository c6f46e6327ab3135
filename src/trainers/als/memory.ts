// Estimates the memory of implicit least squares.

import { paddedDim } from "../../kernels/als/binding.js";
import { tableBytes, type Needs } from "../../training/session/needs.js";
import type { AlsOptions } from "./options.js";

/**
 * Returns the memory of the vectors, with their copies for the model and its table, and of the events, grouped by user
 * and by item, in and outside of the kernel's memory.
 */
export function alsNeeds({ dim: given }: AlsOptions): Needs {
  return {
    dim: given,
    advice: "--min-count leaves fewer users and items, and --max-events-per-user fewer events",
    of(size, dim = given) {
      const { trainRows, heldOutRows, features } = size;
      const vectors = features * (4 * paddedDim(dim) + 3 * 4 * dim + 32);
      return { memory: vectors + 32 * trainRows + 16 * heldOutRows, disk: 1.2 * tableBytes(size, dim) };
    },
  };
}
