// Further contexts of centres: lists of rows with a weight, and rows sampled from a market.
//
// Airbnb's terms are such pairs (Grbovic and Cheng, KDD 2018, eq. 5): the list of a session holds the booked listing and rejected ones, and
// the rows of a market are further negatives. The edges of a graph are such pairs too.

import { B, R } from "./layout.js";

/** No market. */
export const NO_MARKET = 0xffffffff;

export interface SgnsPairs {
  lists: {
    /** u32[lists + 1]: list l is rows[ends[l] .. ends[l + 1]) */
    ends: Uint32Array;
    rows: Uint32Array;
    /** f32, one per row: positive for a context, negative for a negative sample */
    weights: Float32Array;
  };
  markets?: {
    /** u32[numRows]: the market of a row, or NO_MARKET */
    of: Uint32Array;
    /** u32[markets + 1]: market m is rows[ends[m] .. ends[m + 1]) */
    ends: Uint32Array;
    rows: Uint32Array;
    /** number of negatives of weight 1 that a centre samples from its market */
    drawn: number;
  };
}

/** Returns the most pairs of a batch: the longest list and the samples for each centre, plus padding of groups. */
export function mostPairs({ lists, markets }: SgnsPairs): number {
  let longest = 0;
  for (let l = 1; l < lists.ends.length; l++)
    longest = Math.max(longest, lists.ends[l]! - lists.ends[l - 1]!);
  const most = longest + (markets?.drawn ?? 0);
  return most === 0 ? 0 : R * most + 4 * B;
}

/** Checks the numbers, which the kernel does not. @throws {RangeError} a row, market or end is out of range */
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
  // nothing can be sampled from a market without rows
  const isMarket = (market: number) =>
    market === NO_MARKET || (market < ends.length - 1 && ends[market + 1]! > ends[market]!);
  const areMarkets =
    ascends(ends, rows.length) && of.length === numRows && rows.every(isRow) && of.every(isMarket);
  if (!areMarkets) throw new RangeError("markets that are none");
}
