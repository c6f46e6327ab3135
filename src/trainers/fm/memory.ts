// Estimates the memory of training a factorization machine.

import { METHODS, type FmMethod } from "../../kernels/fm/binding.js";
import { bytesOfFeature, numSliceGroups } from "../../kernels/fm/slice-groups.js";
import { tableBytes, type Needs } from "../../training/session/needs.js";
import type { FmOptions } from "./options.js";

/** Number of bytes of the chunks in which stored rows are read. */
const CHUNKS = 64 << 20;

/**
 * Estimates the memory: of the parameters with the optimizer's state, the copy of the best epoch and the table; and of
 * the rows, which are in the kernel's memory and again in memory for the metrics. Throws a UsageError if the machine
 * exceeds its limits.
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
      const shape = {
        numFeatures: features,
        dim: width,
        method: Object.hasOwn(METHODS, method) ? (method as FmMethod) : ("adagrad" as const),
        hasRates: false,
        threads,
      };
      const feature = isChain
        ? 4 * (1 + width) + 16
        : bytesOfFeature(width, shape.method, shape.hasRates, threads);
      // a machine whose vectors are divided among several memories keeps its best epoch outside of them, so the model
      // and the table need no further copies
      const isDivided = !isChain && model !== "ffm" && numSliceGroups(shape) > 0;
      const numCopies = isDivided ? 0 : isChain || model === "ffm" ? 2 : 1;
      const copies = numCopies * 4 * (width + 1) + 16;
      const row = isChain ? 8 * cells + 40 : 8 * cells + 16;
      const rows = isStored ? CHUNKS + 4 * trainRows : trainRows * row;
      const heldOut = heldOutRows * (8 * cells + 16);
      return {
        memory: features * (feature + copies) + rows + heldOut,
        disk: 1.2 * tableBytes(size, width),
      };
    },
  };
}
