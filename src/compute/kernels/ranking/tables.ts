// Memory layout of vectors: a single table with all slices of a feature side by side, or one table of slices per
// thread, so that two threads never write to the same or to adjacent cache lines. If there are fewer threads than
// tables, a thread updates several tables.
//
//   one table   f32[n][D + J, padded]   v, then AdaGrad's accumulators of its slices
//   tables      f32[n][8 s + s]         of the s slices of each thread

import { mapTo } from "../../../base/numeric/indices.js";
import type { Arena, Region } from "../shared/memory.js";
import { K } from "./layout.js";

/** The kernel has the same struct. */
interface VectorTable {
  fromSlice: number;
  toSlice: number;
  /** address that slice 0 of feature 0 has or would have; feature 1 is `stride` bytes further */
  vectors: number;
  stride: number;
  /** bytes from slice 0 to its accumulator; computed even if the table contains neither */
  squares: number;
}

export interface PlacedVectors {
  region: Region;
  tables: readonly VectorTable[];
  /** floats per feature: its vector, padded to whole slices, and the accumulators */
  width: number;
  /** index in the region's f32 of a feature's float, numbered as if one table contained the whole feature */
  at: (feature: number, number: number) => number;
}

/** Reads and writes the floats of single features, whether one table or several contain them. */
export class FeatureVectors {
  readonly #numbers: Float32Array;
  readonly #placed: PlacedVectors;
  readonly #isWhole: boolean;

  constructor(arena: Arena, placed: PlacedVectors) {
    this.#numbers = arena.f32(placed.region);
    this.#placed = placed;
    this.#isWhole = placed.tables.length === 1;
  }

  /** Returns f32[width]: a view if a single table contains all slices, otherwise a copy. */
  read(feature: number): Float32Array {
    const { at, width } = this.#placed;
    if (this.#isWhole) return this.#numbers.subarray(at(feature, 0), at(feature, 0) + width);
    return mapTo(Float32Array, { length: width }, (_, number) => this.#numbers[at(feature, number)]!);
  }

  /** Returns the sum of the squares of the vector's first `dim` numbers. */
  squares(feature: number, dim: number): number {
    const { at } = this.#placed;
    let sum = 0;
    if (this.#isWhole) {
      const first = at(feature, 0);
      for (let i = first; i < first + dim; i++) sum += this.#numbers[i]! * this.#numbers[i]!;
    } else
      for (let d = 0; d < dim; d++) sum += this.#numbers[at(feature, d)]! * this.#numbers[at(feature, d)]!;
    return sum;
  }

  /** Writes a feature's floats, which `read` returned and the caller changed. */
  write(feature: number, row: Float32Array): void {
    row.forEach((value, number) => (this.#numbers[this.#placed.at(feature, number)] = value));
  }
}

/**
 * @param numTables number of threads if each has slices of its own, otherwise 1
 * @param keeps     true if AdaGrad's accumulators follow the slices
 */
export function placeVectors(
  arena: Arena,
  { n, slices }: { n: number; slices: number },
  numTables: number,
  keeps: boolean,
): PlacedVectors {
  const bounds = Array.from({ length: numTables + 1 }, (_, t) => Math.floor((t * slices) / numTables));
  const cuts = bounds.slice(1).map((toSlice, t) => {
    const fromSlice = bounds[t]!;
    const size = toSlice - fromSlice;
    // a single table has its accumulators padded to whole cache lines, because features are read in random order; other
    // tables have them padded to 16 bytes
    const kept = keeps ? (numTables === 1 ? 64 * Math.ceil(size / 16) : 16 * Math.ceil(size / 4)) : 0;
    return {
      fromSlice,
      toSlice,
      stride: 32 * size + kept,
      bytes: 64 * Math.ceil((n * (32 * size + kept)) / 64),
    };
  });
  const bytes = cuts.reduce((sum, cut) => sum + cut.bytes, 0);
  const region = arena.allocate(`the vectors of ${n} features`, bytes);
  let next = region.offset;
  const tables = cuts.map(({ fromSlice, toSlice, stride, bytes: size }): VectorTable => {
    const vectors = next - 32 * fromSlice;
    next += size;
    return { fromSlice, toSlice, stride, vectors, squares: 32 * toSlice - 4 * fromSlice };
  });
  const tableOf = Array.from({ length: slices }, (_, j) => tables.find(({ toSlice }) => j < toSlice)!);
  return {
    region,
    tables,
    width: K * slices + (keeps ? slices : 0),
    at: (feature, number) => {
      const isSquare = number >= K * slices;
      const { vectors, stride, squares } = tableOf[isSquare ? number - K * slices : number >>> 3]!;
      const first = vectors + feature * stride - region.offset;
      return (isSquare ? first + squares - 32 * slices : first) / 4 + number;
    },
  };
}
