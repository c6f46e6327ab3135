// Marks the features that a block of rows repeats, by the highest bit of their ids (read by assembly/repeats.ts). The kernels' addresses,
// products of an id with a multiple of 4, lose this bit.

import { getField } from "../shared/struct.js";
import { BLOCK_ROWS } from "./binding.js";
import { Rows } from "./layout.js";

/** Bit of an id that says that the block repeats the feature. */
export const MARK = 0x80000000;

/**
 * Returns the greatest number of rows of a block that may have a feature before it counts as repeated: eight per batch of 256 on average.
 *
 * The decision is made per block, within which training shuffles rows, so it depends neither on the order of visit nor on how the rows
 * were loaded.
 *
 * @param numRows rows of the block
 */
export function mostUnmarked(numRows: number): number {
  return Math.max(8, Math.floor(numRows / 32));
}

/** Pairs of (feature, value) of consecutive rows. */
export interface FeaturePairs {
  /** u32, unmarked */
  ids: Uint32Array;
  /** f32, one per pair; undefined if all are 1 */
  values: Float32Array | undefined;
  numRows: number;
  /** returns the number of pairs of the rows before row r */
  endOf: (r: number) => number;
}

/** Writes the ids of rows first to last - 1 to their places. */
type PutIds = (ids: Uint32Array, first: number, last: number) => void;

/** How a machine wants its rows marked, and the counters for it. */
export interface Marks {
  /** u32[numFeatures]: count of a feature in a block, plus `base`; counts of earlier blocks are at most `base` */
  counts: Uint32Array;
  base: number;
  /** keeps the pairs of a row in their order, as a field-aware machine needs them */
  keepsOrder: boolean;
}

/** Creates counters for a machine with `numFeatures` features. */
export function marksFor(numFeatures: number, keepsOrder: boolean): Marks {
  return { counts: new Uint32Array(numFeatures), base: 0, keepsOrder };
}

/** Selects blocks: every `step`th from `first` on. */
interface Share {
  first: number;
  step: number;
}

/**
 * Marks a thread's share of rows in a shared memory.
 *
 * @param at  offset of their struct Rows
 * @param put called before a block is marked, if its ids have not been written yet
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
 * Marks the ids of repeated features in place, and moves them behind the others of their row. A kernel's loop over a row then changes
 * from unmarked to marked pairs only once, which the processor predicts well.
 */
export function markRepeats(
  { ids, values, numRows, endOf }: FeaturePairs,
  marks: Marks,
  share: Share = { first: 0, step: 1 },
  put?: PutIds,
): void {
  const { counts, keepsOrder } = marks;
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
    for (let i = from; i < to; i++) {
      const count = counts[ids[i]!]!;
      counts[ids[i]!] = 1 + (count > base ? count : base);
    }
    const most = base + mostUnmarked(last - first);
    marks.base += to - from;

    if (keepsOrder) {
      for (let i = from; i < to; i++) if (counts[ids[i]!]! > most) ids[i]! |= MARK;
      continue;
    }
    let start = from;
    for (let r = first; r < last; r++) {
      const end = endOf(r + 1);
      if (end - start > heldIds.length)
        [heldIds, heldValues] = [new Uint32Array(end - start), new Float32Array(end - start)];
      // unmarked pairs move to the front, and marked ones follow, both in their order
      let [at, numHeld] = [start, 0];
      for (let i = start; i < end; i++) {
        const id = ids[i]!;
        if (counts[id]! > most) {
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
