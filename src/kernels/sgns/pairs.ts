// Contexts of centres in addition to the window: lists of rows with weights, and rows sampled from a market.
//
// The additional terms of Airbnb's loss have this form (Grbovic and Cheng, KDD 2018, eq. 5): the list of a session
// holds the booked listing and rejected ones, and the rows of a market are further negatives. The edges of a graph can
// be given as lists too.

import { B, R } from "./layout.js";

/** Number that stands in place of a market for rows without one. */
export const NO_MARKET = 0xffffffff;

export interface SgnsPairs {
  lists: {
    /** u32[lists + 1]: list l is rows[ends[l] .. ends[l + 1]) */
    ends: Uint32Array;
    rows: Uint32Array;
    /** f32, weight of each row of a list: positive for a context, negative for a negative sample */
    weights: Float32Array;
  };
  markets?: {
    /** u32[numRows]: market of each row, or NO_MARKET */
    of: Uint32Array;
    /** u32[markets + 1]: market m is rows[ends[m] .. ends[m + 1]) */
    ends: Uint32Array;
    rows: Uint32Array;
    /** number of negatives, with weight 1, that each centre samples from its market */
    drawn: number;
  };
}

/**
 * Returns the maximum number of pairs of a batch: for each centre the longest list and the sampled negatives, plus the
 * padding of each group to a multiple of four.
 */
export function mostPairs({ lists, markets }: SgnsPairs): number {
  let longest = 0;
  for (let l = 1; l < lists.ends.length; l++)
    longest = Math.max(longest, lists.ends[l]! - lists.ends[l - 1]!);
  const most = longest + (markets?.drawn ?? 0);
  return most === 0 ? 0 : R * most + 4 * B;
}

/**
 * Checks the ranges of lists and markets, which the kernel does not check.
 * @throws {RangeError} a row, market or end is out of range
 */
export function checkPairs({ lists, markets }: SgnsPairs, numRows: number): void {
  const isRow = (row: number) => row < numRows;
  const ascends = (ends: Uint32Array, size: number) =>
    ends[0] === 0 && ends.at(-1) === size && ends.every((end, i) => i === 0 || end >= ends[i - 1]!);
  const areLists =
    ascends(lists.ends, lists.rows.length) &&
    lists.weights.length === lists.rows.length &&
    lists.rows.every(isRow);
  if (!areLists) throw new RangeError("lists of pairs that are none");
  if (!markets) return;
  const { of, ends, rows } = markets;
  // a market must have rows, because negatives are sampled from it
  const isMarket = (market: number) =>
    market === NO_MARKET || (market < ends.length - 1 && ends[market + 1]! > ends[market]!);
  const areMarkets =
    ascends(ends, rows.length) && of.length === numRows && rows.every(isRow) && of.every(isMarket);
  if (!areMarkets) throw new RangeError("markets that are none");
}
