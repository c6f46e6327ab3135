// Estimates the memory of training a factorization machine.

import { METHODS, type FmMethod } from "../../kernels/fm/binding.js";
import { bytesOfFeature } from "../../kernels/fm/memory-size.js";
import { fileOfRows, tableBytes, type Needs } from "../../training/session/needs.js";
import type { FmOptions } from "./options.js";

/** Number of bytes of the chunks in which stored rows are read. */
const CHUNKS = 64 << 20;

/**
 * Sums up the parameters with the optimizer's state, the copy of the best epoch and the table; and the rows, in the
 * kernel's memory and again for the metrics.
 */
export function fmNeeds({ model, method, dim: given, threads }: FmOptions): Needs {
  const isChain = method === "mcmc" || method === "als";
  return {
    dim: model === "lr" ? undefined : given,
    advice:
      (model === "ffm" ? "fewer --fields, or a --model with one vector per feature, need less; " : "") +
      "--min-count, --max-vocab and --hash FIELD:BITS leave fewer features, and embed encode with --max-memory keeps rows on disk",
    of(size, dim = model === "lr" ? 0 : given) {
      const { trainRows, heldOutRows, features, cells, isStored } = size;
      // a field-aware machine has one vector per partner field
      const width = model === "ffm" ? dim * size.ofColumn.size : dim;
      const feature = isChain
        ? 4 * (1 + width) + 16
        : bytesOfFeature(
            width,
            Object.hasOwn(METHODS, method) ? (method as FmMethod) : "adagrad",
            false,
            threads,
          );
      const copies = 2 * 4 * (width + 1) + 12;
      const row = isChain ? 8 * cells + 40 : 8 * cells + 16;
      const rows = isStored ? CHUNKS + 16 * trainRows : trainRows * row;
      const heldOut = heldOutRows * (8 * cells + 16);
      return {
        memory: features * (feature + copies) + rows + heldOut,
        disk: 1.2 * tableBytes(size, width) + fileOfRows(size),
      };
    },
  };
}
