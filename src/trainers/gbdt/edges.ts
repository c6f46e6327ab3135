// Where the ranges of a numeric column end.
//
// Numbers are cut so that ranges hold about equally many rows, a frequent number has a range of its own, and zero is apart
// from what is below and above it. Source: LightGBM 4, GreedyFindBin and FindBinWithZeroAsOneBin of bin.cpp; here an
// end is the middle between two neighbours, not the next number above it.

const ZERO = 1e-35;
/** Rows a range, at least. */
const MIN_DATA_IN_BIN = 3;

/**
 * @param known  f64, ascending, without NaN
 * @param maxBin ranges at most
 * @returns ascending: range b is (edges[b - 1], edges[b]], the first and the last open to their side
 */
export function edgesOf(known: Float64Array, maxBin: number): number[] {
  const { values, counts } = distinctOf(known);
  const firstZero = values.findIndex((x) => x > -ZERO);
  const below = firstZero === -1 ? values.length : firstZero;
  const firstAbove = values.findIndex((x) => x > ZERO);
  const above = firstAbove === -1 ? values.length : firstAbove;
  const sum = (from: number, to: number) => counts.slice(from, to).reduce((a, b) => a + b, 0);
  const [rowsBelow, rowsAbove] = [sum(0, below), sum(above, values.length)];

  // without zeros and on one side of them there is one range of ranges
  const edges: number[] = [];
  if (rowsBelow > 0 && maxBin > 1) {
    const share = Math.floor((rowsBelow / (rowsBelow + rowsAbove)) * (maxBin - 1));
    edges.push(...greedy(values.slice(0, below), counts.slice(0, below), Math.max(1, share)));
    if (below < values.length) edges.push(-ZERO);
  }
  const left = maxBin - 1 - edges.length;
  if (rowsAbove > 0 && left > 0) {
    if (above > 0) edges.push(ZERO);
    edges.push(...greedy(values.slice(above), counts.slice(above), left));
  }
  return edges;
}

function distinctOf(known: Float64Array): { values: number[]; counts: number[] } {
  const [values, counts]: [number[], number[]] = [[], []];
  for (const x of known) {
    if (x === values.at(-1)) counts[counts.length - 1]!++;
    else {
      values.push(x);
      counts.push(1);
    }
  }
  return { values, counts };
}

/** Ends of at most maxBin ranges of about equally many rows; the last is open. */
function greedy(values: readonly number[], counts: readonly number[], maxBin: number): number[] {
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
  const total = counts.reduce((a, b) => a + b, 0);
  const most = Math.max(1, Math.min(maxBin, Math.floor(total / MIN_DATA_IN_BIN)));

  // numbers of more rows than a range has on average get ranges of their own; the others share the rest
  const isBig = counts.map((count) => count >= total / most);
  let rest = total;
  let bins = most;
  counts.forEach((count, i) => {
    if (!isBig[i]) return;
    rest -= count;
    bins--;
  });
  let mean = rest / bins;
  let held = 0;
  for (let i = 0; i < values.length - 1 && edges.length < most - 1; i++) {
    if (!isBig[i]) rest -= counts[i]!;
    held += counts[i]!;
    if (!isBig[i] && held < mean && !(isBig[i + 1] && held >= Math.max(1, mean / 2))) continue;
    cut(i);
    held = 0;
    if (!isBig[i]) mean = rest / --bins;
  }
  return edges;
}
