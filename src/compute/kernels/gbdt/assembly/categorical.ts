// Finds the best set of categories for the left side.
//
// Few bins: the set is a single category. Otherwise categories are sorted by G / (H + catSmooth), and the set is a
// prefix or a suffix of this order. Source: Fisher 1958 (doi:10.1080/01621459.1958.10501479); limits on the sets are
// those of LightGBM 4.

import {
  countOf,
  gradientOf,
  hessianOf,
  isLeaf,
  leafGain,
  putSides,
  Split,
  SplitOptions,
  threshold,
} from "./gain";
import { sortByKey } from "./sort";

/**
 * Searches sets of the bins from 1 on; bin 0, which holds missing, rare and unknown categories, always goes right.
 *
 * @param cells   the feature's histogram, numBins cells
 * @param scratch buffer of 24 bytes per bin
 * @param left    u8[numBins]: 1 for bins that go to the left side; unchanged if no split is found
 */
export function bestCategorical(
  cells: usize,
  numBins: i32,
  options: SplitOptions,
  scratch: usize,
  left: usize,
  out: Split,
): void {
  let G: f64 = 0;
  let H: f64 = 0;
  let C: f64 = 0;
  for (let b: usize = 0; b < <usize>numBins; b++) {
    G += gradientOf(cells + (b << 4), options);
    H += hessianOf(cells + (b << 4), options);
    C += countOf(cells + (b << 4));
  }
  out.gain = 0;
  out.threshold = 0;
  if (<f64>numBins <= options.maxCatToOnehot) oneAgainstAll(cells, numBins, options, left, out, G, H, C);
  else manyAgainstMany(cells, numBins, options, scratch, left, out, G, H, C);
}

function oneAgainstAll(
  cells: usize,
  numBins: i32,
  options: SplitOptions,
  left: usize,
  out: Split,
  G: f64,
  H: f64,
  C: f64,
): void {
  const shift = threshold(G, H, options);
  let best = shift;
  for (let b: usize = 1; b < <usize>numBins; b++) {
    const g = gradientOf(cells + (b << 4), options);
    const h = hessianOf(cells + (b << 4), options);
    const c = countOf(cells + (b << 4));
    if (!isLeaf(h, c, options) || !isLeaf(H - h, C - c, options)) continue;
    const gain = leafGain(g, h, options, 0) + leafGain(G - g, H - h, options, 0);
    if (gain <= best) continue;
    best = gain;
    memory.fill(left, 0, <usize>numBins);
    store<u8>(left + b, 1);
    out.gain = gain - shift;
    out.flag = 0;
    putSides(out, c, g, h, G, H);
  }
}

function manyAgainstMany(
  cells: usize,
  numBins: i32,
  options: SplitOptions,
  scratch: usize,
  left: usize,
  out: Split,
  G: f64,
  H: f64,
  C: f64,
): void {
  const smooth = options.catSmooth;
  const l2 = options.catL2;
  const minGroup = options.minDataPerGroup;
  const shift = threshold(G, H, options);

  // selects categories with enough rows, estimated as LightGBM does from their share of the hessian; `scratch` contains
  // their sort keys, then their ids, then a second array of ids for the sort
  const ids = scratch + ((<usize>numBins) << 3);
  let used: i32 = 0;
  for (let b: usize = 1; b < <usize>numBins; b++) {
    const cell = cells + (b << 4);
    if (nearest((hessianOf(cell, options) * C) / H) < smooth || countOf(cell) == 0) continue;
    const key = gradientOf(cell, options) / (hessianOf(cell, options) + smooth);
    store<f64>(scratch + (b << 3), key);
    store<u32>(ids + ((<usize>used) << 2), <u32>b);
    used++;
  }
  const sorted = sortByKey(ids, ids + ((<usize>numBins) << 2), used, scratch);
  const most = min(<i32>options.maxCatThreshold, (used + 1) / 2);

  let best = shift;
  let bestSize: i32 = 0;
  let bestBackward = false;
  for (let direction = 0; direction < 2; direction++) {
    let g: f64 = 0;
    let h: f64 = 0;
    let c: f64 = 0;
    let group: f64 = 0;
    for (let i: i32 = 0; i < most; i++) {
      const cell =
        cells + ((<usize>load<u32>(sorted + ((<usize>(direction == 0 ? i : used - 1 - i)) << 2))) << 4);
      g += gradientOf(cell, options);
      h += hessianOf(cell, options);
      c += countOf(cell);
      group += countOf(cell);
      if (!isLeaf(h, c, options)) continue;
      if (!isLeaf(H - h, C - c, options) || C - c < minGroup) break;
      if (group < minGroup) continue;
      group = 0;
      const gain = leafGain(g, h, options, l2) + leafGain(G - g, H - h, options, l2);
      if (gain <= best) continue;
      best = gain;
      bestSize = i + 1;
      bestBackward = direction == 1;
      out.gain = gain - shift;
      out.flag = 1;
      putSides(out, c, g, h, G, H);
    }
  }
  if (bestSize == 0) return;
  memory.fill(left, 0, <usize>numBins);
  for (let i: i32 = 0; i < bestSize; i++) {
    store<u8>(left + load<u32>(sorted + ((<usize>(bestBackward ? used - 1 - i : i)) << 2)), 1);
  }
}
