// What centres meet beside the band: lists of rows with a weight, and rows drawn among those of a market.
//
// Airbnb's terms are such pairs (Grbovic and Cheng, KDD 2018, eq. 5): a session's list holds what it led to and what was rejected, and
// a market's rows are further negatives. An edge of a graph is one as well.

import { B, R } from "./layout.js";

/** No market. */
export const NO_MARKET = 0xffffffff;

export interface SgnsPairs {
  lists: {
    /** u32[lists + 1]: list l is rows[ends[l] .. ends[l + 1]) */
    ends: Uint32Array;
    rows: Uint32Array;
    /** f32, one a row: above 0 what it counts as a context, below 0 as a negative */
    weights: Float32Array;
  };
  markets?: {
    /** u32[numRows]: the market of a row, or NO_MARKET */
    of: Uint32Array;
    /** u32[markets + 1]: market m is rows[ends[m] .. ends[m + 1]) */
    ends: Uint32Array;
    rows: Uint32Array;
    /** negatives that a centre draws from its market, each of weight 1 */
    drawn: number;
  };
}

/** Room for a batch's pairs: for each centre the longest list and its draws, and what fills groups up. */
export function mostPairs({ lists, markets }: SgnsPairs): number {
  let longest = 0;
  for (let l = 1; l < lists.ends.length; l++)
    longest = Math.max(longest, lists.ends[l]! - lists.ends[l - 1]!);
  const most = longest + (markets?.drawn ?? 0);
  return most === 0 ? 0 : R * most + 4 * B;
}

/** The kernel looks rows up without a check. @throws {RangeError} a row, market or end is out of range */
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
  // a market without a row has none to draw
  const isMarket = (market: number) =>
    market === NO_MARKET || (market < ends.length - 1 && ends[market + 1]! > ends[market]!);
  const areMarkets =
    ascends(ends, rows.length) && of.length === numRows && rows.every(isRow) && of.every(isMarket);
  if (!areMarkets) throw new RangeError("markets that are none");
}
