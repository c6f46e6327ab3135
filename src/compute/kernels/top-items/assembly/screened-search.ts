// Search that scores only those pairs of a query and an item that the integer bound does not exclude, tile by tile as
// in all-scores.ts.
//
//   items of a tile ──► integers ──► [4 x 8] bounds, query by query ──► pairs above the last of the list
//   pairs of the tile ──► exact scores, four at a time ──► lists
//
// The scores in the lists are those of all-scores.ts, bit for bit: the same products are added in the same order.

import { lastScore, offer, searchPanels } from "./all-scores";
import { anyAbove, boundQuery, pairsOfDims, setThreshold, writeItems, writeNoQuery } from "./integer-bound";
import { INTEGER_BYTES, NUM_PAIRS, QueryBound, Scratch, Search } from "./plan";

/** If more than one in PAIR_COST pairs is left, computing every score is faster. */
const PAIR_COST: u32 = 64;

/**
 * Searches panels `start` to `numPanels` - 1; earlier ones must have been searched.
 * @returns number of pairs that the bounds did not exclude
 */
export function screenPanels(
  search: Search,
  scratch: Scratch,
  first: u32,
  numQueries: u32,
  start: u32,
  numPanels: u32,
): f64 {
  const n = pairsOfDims(search);
  writeQueries(search, scratch, first, numQueries);
  const tilePanels = max<u32>(1, INTEGER_BYTES / (n << 5));
  let total: f64 = 0;
  for (let from = start; from < numPanels; from += tilePanels) {
    const end = min(from + tilePanels, numPanels);
    const allowed = <f64>numQueries * (2 * <f64>search.top + <f64>(from << 3) / PAIR_COST);
    const inverseScale: f32 = total > allowed ? 0 : writeItems(search, from, end, scratch.integerItems);
    // numbers that are not finite have no bound, so every score is computed
    if (inverseScale > 0) total += screenTile(search, scratch, first, numQueries, from, end, inverseScale);
    else searchPanels(search, scratch, first, numQueries, from, end);
  }
  return total;
}

function boundOf(scratch: Scratch, query: u32): QueryBound {
  return changetype<QueryBound>(scratch.bounds + <usize>query * offsetof<QueryBound>());
}

function writeQueries(search: Search, scratch: Scratch, first: u32, numQueries: u32): void {
  const n = pairsOfDims(search);
  for (let q: u32 = 0; q < ((numQueries + 3) & ~3); q++) {
    const target = scratch.integerQueries + ((<usize>(q >>> 2) * n) << 4) + ((<usize>(q & 3)) << 2);
    if (q < numQueries) boundQuery(search, first + q, target, boundOf(scratch, q));
    else writeNoQuery(search, target, boundOf(scratch, q));
  }
}

function screenTile(
  search: Search,
  scratch: Scratch,
  first: u32,
  numQueries: u32,
  from: u32,
  end: u32,
  inverseScale: f32,
): f64 {
  const n = pairsOfDims(search);
  for (let q: u32 = 0; q < numQueries; q++) {
    setThreshold(boundOf(scratch, q), inverseScale, lastScore(search, first + q));
  }
  let total: f64 = 0;
  let numPairs: u32 = 0;
  for (let q: u32 = 0; q < numQueries; q += 4) {
    const left = scratch.integerQueries + ((<usize>q * n) << 2);
    const bounds = changetype<usize>(boundOf(scratch, q));
    let right = scratch.integerItems;
    for (let panel = from; panel < end; panel++) {
      if (anyAbove(left, right, n, bounds, scratch.tile)) {
        numPairs = keepPairs(search, scratch, first + q, panel << 3, bounds, numPairs);
        // a tile has up to 32 pairs, and three may fill the last group of four
        if (numPairs > NUM_PAIRS - 35) {
          offerPairs(search, scratch.pairs, numPairs);
          total += numPairs;
          numPairs = 0;
        }
      }
      right += (<usize>n) << 5;
    }
  }
  offerPairs(search, scratch.pairs, numPairs);
  return total + numPairs;
}

/** Appends the pairs of a [4 x 8] tile above their query's threshold. @returns number of pairs after */
function keepPairs(
  search: Search,
  scratch: Scratch,
  query: u32,
  item: u32,
  bounds: usize,
  numPairs: u32,
): u32 {
  const lanes: i32 = (1 << min<u32>(8, search.numItems - item)) - 1;
  for (let r: usize = 0; r < 4; r++) {
    const row = scratch.tile + (r << 5);
    const t = v128.load32_splat(bounds + r * offsetof<QueryBound>() + offsetof<QueryBound>("threshold"));
    const low = i32x4.bitmask(i32x4.gt_s(v128.load(row), t));
    const high = i32x4.bitmask(i32x4.gt_s(v128.load(row, 16), t));
    for (let above = (low | (high << 4)) & lanes; above; above &= above - 1) {
      const pair = scratch.pairs + ((<usize>numPairs) << 3);
      store<u32>(pair, query + <u32>r);
      store<u32>(pair, item + ctz(above), 4);
      numPairs++;
    }
  }
  return numPairs;
}

/**
 * Computes exact scores and offers the items: four sums at a time, as each addition waits for the previous one of its
 * sum.
 */
function offerPairs(search: Search, pairs: usize, numPairs: u32): void {
  if (numPairs == 0) return;
  const last = load<u64>(pairs + ((<usize>(numPairs - 1)) << 3));
  for (let i = numPairs; i & 3; i++) store<u64>(pairs + ((<usize>i) << 3), last);
  const end = pairs + ((<usize>numPairs) << 3);
  for (let pair = pairs; pair < end; pair += 32) {
    let q0 = queryAt(search, pair);
    let q1 = queryAt(search, pair + 8);
    let q2 = queryAt(search, pair + 16);
    let q3 = queryAt(search, pair + 24);
    let x0 = itemAt(search, pair);
    let x1 = itemAt(search, pair + 8);
    let x2 = itemAt(search, pair + 16);
    let x3 = itemAt(search, pair + 24);
    let s0 = weightOf(search, pair);
    let s1 = weightOf(search, pair + 8);
    let s2 = weightOf(search, pair + 16);
    let s3 = weightOf(search, pair + 24);
    for (let i: u32 = 0; i < search.dim; i++) {
      s0 += load<f32>(q0) * load<f32>(x0);
      s1 += load<f32>(q1) * load<f32>(x1);
      s2 += load<f32>(q2) * load<f32>(x2);
      s3 += load<f32>(q3) * load<f32>(x3);
      q0 += 4;
      q1 += 4;
      q2 += 4;
      q3 += 4;
      x0 += 32;
      x1 += 32;
      x2 += 32;
      x3 += 32;
    }
    offer(search, load<u32>(pair), load<u32>(pair, 4), s0);
    if (pair + 8 < end) offer(search, load<u32>(pair, 8), load<u32>(pair, 12), s1);
    if (pair + 16 < end) offer(search, load<u32>(pair, 16), load<u32>(pair, 20), s2);
    if (pair + 24 < end) offer(search, load<u32>(pair, 24), load<u32>(pair, 28), s3);
  }
}

function queryAt(search: Search, pair: usize): usize {
  return search.queries + ((<usize>load<u32>(pair) * search.dim) << 2);
}

function itemAt(search: Search, pair: usize): usize {
  const item = load<u32>(pair, 4);
  return search.panels + ((<usize>(item >>> 3) * search.dim) << 5) + ((<usize>(item & 7)) << 2);
}

function weightOf(search: Search, pair: usize): f32 {
  return load<f32>(search.weights + ((<usize>load<u32>(pair, 4)) << 2));
}
