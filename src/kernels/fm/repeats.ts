// Which features a block of rows repeats: the highest bit of their ids says so to the kernels (assembly/repeats.ts), whose
// addresses, products with a multiple of 4, lose it.

import { getField } from "../shared/struct.js";
import { BLOCK_ROWS } from "./binding.js";
import { Rows } from "./layout.js";

/** In an id: the block repeats the feature. */
export const MARK = 0x80000000;

/**
 * Rows of a block above which it repeats a feature: more than eight a batch of 256 on average.
 *
 * As it is decided by the block, in which training shuffles rows, neither the order of visit nor the way that rows came to
 * memory changes what is marked.
 *
 * @param numRows rows of the block
 */
export function mostUnmarked(numRows: number): number {
  return Math.max(8, Math.floor(numRows / 32));
}

/** Pairs of (feature, value), row after row. */
export interface Pairs {
  /** u32, unmarked */
  ids: Uint32Array;
  /** f32, a value a pair; all 1 when absent */
  values: Float32Array | undefined;
  numRows: number;
  /** how many pairs the rows before row r have */
  endOf: (r: number) => number;
}

/** Puts the ids of rows first to last - 1 to their places. */
type PutIds = (ids: Uint32Array, first: number, last: number) => void;

/** How a machine wants its rows marked, and what it counts with. */
export interface Marks {
  /** u32[numFeatures]: how often a block holds a feature, above `base`; what earlier blocks have left is not above it */
  counts: Uint32Array;
  base: number;
  /** leaves the pairs of a row in their order, as a field-aware machine needs them */
  keepsOrder: boolean;
}

/** Marks for a machine of so many features. */
export function marksFor(numFeatures: number, keepsOrder: boolean): Marks {
  return { counts: new Uint32Array(numFeatures), base: 0, keepsOrder };
}

/** Which blocks: every `step`th from `first` on. */
interface Share {
  first: number;
  step: number;
}

/**
 * Marks a thread's share of rows that lie in a shared memory.
 *
 * @param at  offset of their struct Rows
 * @param put called before a block is marked, where ids are not there yet
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
 * Marks the ids of repeated features, in place, and moves them behind the others of their row: so a kernel's loop over a row
 * turns from unmarked to marked pairs once, and not whenever the processor does not expect it.
 */
export function markRepeats(
  { ids, values, numRows, endOf }: Pairs,
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
      // unmarked pairs move to the front, marked ones wait and follow: both in their order
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
