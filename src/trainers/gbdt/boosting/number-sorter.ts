// Numbers in ascending order, by the kernel: edges of columns are found from sorted samples.

import { SORT_COUNTS_BYTES, type GbdtKernel } from "../../../kernels/gbdt/binding.js";
import { kernelImports, loadKernel } from "../../../kernels/shared/load.js";
import { Arena, type Region } from "../../../kernels/shared/memory.js";

/** Room for numbers that are sorted again and again. */
export class NumberSorter {
  /** f64[most]: where the numbers to be sorted are written */
  readonly numbers: Float64Array;
  readonly #kernel: GbdtKernel;
  readonly #places: Record<"numbers" | "other" | "counts", Region>;

  private constructor(
    numbers: Float64Array,
    kernel: GbdtKernel,
    places: Record<"numbers" | "other" | "counts", Region>,
  ) {
    this.numbers = numbers;
    this.#kernel = kernel;
    this.#places = places;
  }

  /** @param most numbers at a time @throws {UsageError} they do not fit one memory */
  static async start(most: number): Promise<NumberSorter> {
    const arena = new Arena();
    const places = {
      numbers: arena.allocate("a column's sample", 8 * most),
      other: arena.allocate("the same while it is sorted", 8 * most),
      counts: arena.allocate("counts of digits", SORT_COUNTS_BYTES),
    };
    const module = await loadKernel("gbdt");
    const { exports } = new WebAssembly.Instance<GbdtKernel>(module, kernelImports(arena.memory));
    return new NumberSorter(arena.f64(places.numbers), exports, places);
  }

  /** Sorts the first n numbers, none of which is NaN. @returns them; the next call overwrites them */
  sort(n: number): Float64Array {
    const { numbers, other, counts } = this.#places;
    if (n > 0) this.#kernel.sortNumbers(numbers.offset, n, other.offset, counts.offset);
    return this.numbers.subarray(0, n);
  }
}
