// Marks the features that a block of rows repeats, by the highest bit of their ids (read by assembly/repeats.ts).
// Kernels multiply an id by a multiple of 4 to get an address, and this product does not contain the bit.

import { getField } from "../shared/struct.js";
import { BLOCK_ROWS } from "./binding.js";
import { Rows } from "./layout.js";

/** Bit of an id that is set if the block repeats the feature. */
export const MARK = 0x80000000;

/**
 * Returns the maximum number of rows of a block that may have a feature without the feature counting as repeated: on
 * average eight per batch of 256.
 *
 * Training shuffles rows within a block only, so the set of repeated features depends neither on the order of visit nor
 * on how the rows were loaded.
 *
 * @param numRows rows of the block
 */
export function mostUnmarked(numRows: number): number {
  return Math.max(8, Math.floor(numRows / 32));
}

/** Number of counters, a power of two. */
const SKETCH = 1 << 14;

/** (feature, value) pairs of consecutive rows. */
export interface FeaturePairs {
  /** u32: feature of each pair, without the bit that marks repeated features */
  ids: Uint32Array;
  /** f32: value of each pair; undefined if all are 1 */
  values: Float32Array | undefined;
  numRows: number;
  /** returns the number of pairs in rows 0 .. r - 1 */
  endOf: (r: number) => number;
}

/** Writes the ids of rows first .. last - 1. */
type PutIds = (ids: Uint32Array, first: number, last: number) => void;

export interface Marks {
  /**
   * u32[numFeatures]: `base` plus the number of rows of the current block with the feature; at most `base` if the block
   * has none so far, or if the sketch shows that the block does not repeat the feature
   */
  counts: Uint32Array;
  base: number;
  /** u32[SKETCH]: number of pairs of the current block by the lowest bits of their feature; it fits into the cache */
  sketch: Uint32Array;
  /** whether the pairs of marked features stay at their position in the row, as a field-aware machine needs */
  keepsOrder: boolean;
}

export function marksFor(numFeatures: number, keepsOrder: boolean): Marks {
  return { counts: new Uint32Array(numFeatures), base: 0, sketch: new Uint32Array(SKETCH), keepsOrder };
}

/** The blocks that a thread processes: first, first + step, first + 2 step, ... */
interface Share {
  first: number;
  step: number;
}

/**
 * Marks repeated features in those blocks of rows that a thread processes, in a shared memory.
 *
 * @param at  byte offset of the Rows struct
 * @param put if given, called for each block before it is marked, to write its ids
 */
export function markShare(
  memory: WebAssembly.Memory,
  at: number,
  marks: Marks,
  share: Share,
  put?: PutIds,
): void {
  const of = (name: keyof typeof Rows.fields) => getField({ memory }, Rows, at, name);
  const [numRows, width] = [of("numRows"), of("width")];
  const indptr = of("indptr") > 0 ? new Uint32Array(memory.buffer, of("indptr"), numRows + 1) : undefined;
  const endOf = (r: number) => (indptr ? indptr[r]! : width * r);
  const numPairs = endOf(numRows);
  const ids = new Uint32Array(memory.buffer, of("ids"), numPairs);
  const values = of("values") > 0 ? new Float32Array(memory.buffer, of("values"), numPairs) : undefined;
  markRepeats({ ids, values, numRows, endOf }, marks, share, put);
}

/**
 * Marks the ids of repeated features in place, and moves marked pairs behind the unmarked pairs of their row. A
 * kernel's loop over a row then changes from unmarked to marked pairs only once, which the processor's branch
 * prediction handles well.
 */
export function markRepeats(
  { ids, values, numRows, endOf }: FeaturePairs,
  marks: Marks,
  share: Share = { first: 0, step: 1 },
  put?: PutIds,
): void {
  const { counts, sketch, keepsOrder } = marks;
  let [heldIds, heldValues] = [new Uint32Array(64), new Float32Array(64)];
  for (let first = share.first * BLOCK_ROWS; first < numRows; first += share.step * BLOCK_ROWS) {
    const last = Math.min(numRows, first + BLOCK_ROWS);
    const [from, to] = [endOf(first), endOf(last)];
    put?.(ids, first, last);
    if (marks.base + (to - from) > MARK) {
      counts.fill(0);
      marks.base = 0;
    }
    const { base } = marks;
    const most = mostUnmarked(last - first);
    // only the pairs of few features, those in a bucket that counts more than `most` pairs, are counted by feature
    sketch.fill(0);
    for (let i = from; i < to; i++) sketch[ids[i]! % SKETCH]!++;
    for (let i = from; i < to; i++) {
      const id = ids[i]!;
      if (sketch[id % SKETCH]! <= most) continue;
      const count = counts[id]!;
      counts[id] = 1 + (count > base ? count : base);
    }
    const isRepeated = (id: number) => sketch[id % SKETCH]! > most && counts[id]! > base + most;
    marks.base += to - from;

    if (keepsOrder) {
      for (let i = from; i < to; i++) if (isRepeated(ids[i]!)) ids[i]! |= MARK;
      continue;
    }
    let start = from;
    for (let r = first; r < last; r++) {
      const end = endOf(r + 1);
      if (end - start > heldIds.length)
        [heldIds, heldValues] = [new Uint32Array(end - start), new Float32Array(end - start)];
      // both the unmarked pairs, which move to the front, and the marked ones keep their order
      let [at, numHeld] = [start, 0];
      for (let i = start; i < end; i++) {
        const id = ids[i]!;
        if (isRepeated(id)) {
          heldIds[numHeld] = id | MARK;
          if (values) heldValues[numHeld] = values[i]!;
          numHeld++;
        } else {
          ids[at] = id;
          if (values) values[at] = values[i]!;
          at++;
        }
      }
      for (let h = 0; h < numHeld; h++, at++) {
        ids[at] = heldIds[h]!;
        if (values) values[at] = heldValues[h]!;
      }
      start = end;
    }
  }
}
