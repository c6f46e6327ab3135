// Finds the bin edges of numeric columns in rounds of one column each, which threads share.

import { kernelImports } from "../../compute/kernels/shared/load.js";
import { Arena } from "../../compute/kernels/shared/memory.js";
import { SORT_COUNTS_BYTES, type GbdtKernel } from "../../compute/kernels/gbdt/binding.js";
import { edgesOf } from "./bin-edges.js";

/** All arrays are in shared memory. */
interface EdgeRounds {
  /** compiled kernel, whose sort function is used */
  module: WebAssembly.Module;
  columns: readonly Float64Array[];
  /** u32: rows from whose numbers the bin edges are computed */
  sample: Uint32Array;
  maxBin: number;
  /** f64[columns][foundWidth]: for each column the number of edges, the least and greatest number, and the edges */
  found: Float64Array;
}

export function foundWidth(maxBin: number): number {
  return 3 + maxBin;
}

export function start({ module, columns, sample, maxBin, found }: EdgeRounds): (column: number) => void {
  const arena = new Arena();
  const numbers = arena.allocate("a column's sample", 8 * sample.length);
  const other = arena.allocate("the same while it is sorted", 8 * sample.length);
  const counts = arena.allocate("counts of digits", SORT_COUNTS_BYTES);
  const { exports } = new WebAssembly.Instance<GbdtKernel>(module, kernelImports(arena.memory));
  const known = arena.f64(numbers);
  return (column) => {
    const values = columns[column]!;
    let n = 0;
    for (let i = 0; i < sample.length; i++) {
      const x = values[sample[i]!]!;
      if (x === x) known[n++] = x;
    }
    if (n > 0) exports.sortNumbers(numbers.offset, n, other.offset, counts.offset);
    const sorted = known.subarray(0, n);
    const forMissing = n < sample.length ? 1 : 0;
    const edges = edgesOf(sorted, Math.max(1, maxBin - forMissing));
    const [least, greatest] = [sorted[0] ?? 0, sorted[n - 1] ?? 0];
    found.set([edges.length, least, greatest, ...edges], column * foundWidth(maxBin));
  };
}
