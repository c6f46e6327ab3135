// Which features a block of rows repeats: the highest bit of their ids says so to the kernels (assembly/repeats.ts), whose
// addresses, products with a multiple of 4, lose it.

import { BLOCK_ROWS } from "./binding.js";

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

/** How a machine wants its rows marked. */
export interface Marks {
  /** u32[numFeatures], all 0 between two calls */
  counts: Uint32Array;
  /** leaves the pairs of a row in their order, as a field-aware machine needs them */
  keepsOrder: boolean;
}

/**
 * Marks the ids of repeated features, in place, and moves them behind the others of their row: so a kernel's loop over a row
 * turns from unmarked to marked pairs once, and not whenever the processor does not expect it.
 */
export function markRepeats({ ids, values, numRows, endOf }: Pairs, { counts, keepsOrder }: Marks): void {
  for (let first = 0; first < numRows; first += BLOCK_ROWS) {
    const last = Math.min(numRows, first + BLOCK_ROWS);
    const most = mostUnmarked(last - first);
    const [from, to] = [endOf(first), endOf(last)];
    for (let i = from; i < to; i++) counts[ids[i]!]!++;
    for (let i = from; i < to; i++) if (counts[ids[i]!]! > most) ids[i]! |= MARK;
    for (let i = from; i < to; i++) counts[ids[i]! & ~MARK] = 0;
  }
  if (!keepsOrder) for (let r = 0; r < numRows; r++) moveMarkedBack(ids, values, endOf(r), endOf(r + 1));
}

/** Moves marked pairs from .. to - 1 behind the others, both in their order. */
function moveMarkedBack(ids: Uint32Array, values: Float32Array | undefined, from: number, to: number): void {
  const marked: number[] = [];
  const markedValues: number[] = [];
  let at = from;
  for (let i = from; i < to; i++) {
    if (ids[i]! >= MARK) {
      marked.push(ids[i]!);
      if (values) markedValues.push(values[i]!);
      continue;
    }
    ids[at] = ids[i]!;
    if (values) values[at] = values[i]!;
    at++;
  }
  ids.set(marked, at);
  values?.set(markedValues, at);
}
