// Finds the bin edges of a numeric column.
//
// Bins hold about equally many rows, a frequent number has a bin of its own, and zero is separate from smaller and
// larger numbers. Source: LightGBM 4, GreedyFindBin and FindBinWithZeroAsOneBin of bin.cpp. Deviation: an edge is the
// middle between two neighbors, not the next number above it.

import { sumOf } from "../../base/numeric/indices.js";

const ZERO = 1e-35;
/** Minimum number of rows per bin. */
const MIN_DATA_IN_BIN = 3;

/** Ascending: bin b is (edges[b - 1], edges[b]], unbounded at the ends. @param known f64, ascending, without NaN */
export function edgesOf(known: Float64Array, maxBin: number): number[] {
  const { values, counts } = distinctOf(known);
  // number of distinct values below zero, and number of distinct values that are zero or below
  const below = countUntil(values, (x) => x > -ZERO);
  const above = countUntil(values, (x) => x > ZERO);
  const [rowsBelow, rowsAbove] = [sumOf(counts.subarray(0, below)), sumOf(counts.subarray(above))];

  // maxBin is divided between the bins below and above zero in proportion to their numbers of rows
  const edges: number[] = [];
  if (rowsBelow > 0 && maxBin > 1) {
    const share = Math.floor((rowsBelow / (rowsBelow + rowsAbove)) * (maxBin - 1));
    edges.push(...greedy(values.subarray(0, below), counts.subarray(0, below), Math.max(1, share)));
    if (below < values.length) edges.push(-ZERO);
  }
  const left = maxBin - 1 - edges.length;
  if (rowsAbove > 0 && left > 0) {
    if (above > 0) edges.push(ZERO);
    edges.push(...greedy(values.subarray(above), counts.subarray(above), left));
  }
  return edges;
}

function countUntil(ascending: Float64Array, passes: (x: number) => boolean): number {
  const first = ascending.findIndex(passes);
  return first < 0 ? ascending.length : first;
}

function distinctOf(known: Float64Array): { values: Float64Array; counts: Uint32Array } {
  const values = new Float64Array(known.length);
  const counts = new Uint32Array(known.length);
  let last = -1;
  for (let i = 0; i < known.length; i++) {
    const x = known[i]!;
    if (last < 0 || x !== values[last]) values[++last] = x;
    counts[last]!++;
  }
  return { values: values.subarray(0, last + 1), counts: counts.subarray(0, last + 1) };
}

/** Returns the edges of at most maxBin bins with about equally many rows; the last bin has no upper bound. */
function greedy(values: Float64Array, counts: Uint32Array, maxBin: number): number[] {
  const edges: number[] = [];
  const cut = (i: number) => edges.push((values[i]! + values[i + 1]!) / 2);
  if (values.length <= maxBin) {
    let held = 0;
    for (let i = 0; i < values.length - 1; i++) {
      held += counts[i]!;
      if (held < MIN_DATA_IN_BIN) continue;
      cut(i);
      held = 0;
    }
    return edges;
  }
  const total = sumOf(counts);
  const most = Math.max(1, Math.min(maxBin, Math.floor(total / MIN_DATA_IN_BIN)));

  // a value with more rows than the average bin gets a bin of its own; the other values share the remaining bins
  const isBig = (i: number) => counts[i]! >= total / most;
  let rest = total;
  let bins = most;
  for (let i = 0; i < counts.length; i++) {
    if (!isBig(i)) continue;
    rest -= counts[i]!;
    bins--;
  }
  let mean = rest / bins;
  let held = 0;
  for (let i = 0; i < values.length - 1 && edges.length < most - 1; i++) {
    if (!isBig(i)) rest -= counts[i]!;
    held += counts[i]!;
    if (!isBig(i) && held < mean && !(isBig(i + 1) && held >= Math.max(1, mean / 2))) continue;
    cut(i);
    held = 0;
    if (!isBig(i)) mean = rest / --bins;
  }
  return edges;
}
