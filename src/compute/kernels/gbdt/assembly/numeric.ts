// Finds the best threshold of a numeric feature, with missing values on the side with the greater gain.
//
// For most features of a leaf, only the gain is needed, to compare it with the others'. `numericGain` computes it two
// candidates at a time and without branches. `bestNumeric` then finds the same split again for the feature that won.

import {
  COUNT_BITS,
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
import { floatsOf } from "./histogram";

/** leafGain of two sides. */
function leafGain2(g: v128, h: v128, l1: v128, l2: v128): v128 {
  const t = f64x2.pmax(f64x2.splat(0), f64x2.sub(f64x2.abs(g), l1));
  const below = f64x2.add(h, l2);
  return v128.and(f64x2.div(f64x2.mul(t, t), below), f64x2.gt(below, f64x2.splat(0)));
}

/** isLeaf of two sides. */
function areLeaves2(h: v128, c: v128, options: SplitOptions): v128 {
  return v128.and(
    f64x2.ge(c, f64x2.splat(options.minDataInLeaf)),
    f64x2.ge(h, f64x2.splat(options.minSumHessianInLeaf)),
  );
}

/**
 * Writes the gain of the split that `bestNumeric` finds, the same number bit for bit; 0 if there is no split.
 *
 * For each threshold, one lane puts the missing values on the left side, the other on the right. Sums of cells are
 * integers that f64 holds exactly, so they do not depend on the order.
 *
 * @param cells the feature's histogram: numBins cells of values, then the missing values'
 */
export function numericGain(cells: usize, numBins: i32, options: SplitOptions, out: Split): void {
  const end = cells + ((<usize>numBins) << 4);
  const missing = v128.load(end);
  let all = missing;
  for (let cell = cells; cell < end; cell += 16) all = i64x2.add(all, v128.load(cell));

  const unitG = f64x2.splat(options.unitG);
  const unitH = f64x2.splat(options.unitH);
  const counts = i64x2.splat((1 << COUNT_BITS) - 1);
  const l1 = f64x2.splat(options.lambdaL1);
  const l2 = f64x2.splat(options.lambdaL2);
  const wholeH = i64x2.shr_u(all, <i32>COUNT_BITS);
  const G = f64x2.mul(floatsOf(v128.shuffle<i64>(all, all, 0, 0)), unitG);
  const H = f64x2.mul(floatsOf(v128.shuffle<i64>(wholeH, wholeH, 1, 1)), unitH);
  const wholeC = v128.and(all, counts);
  const C = floatsOf(v128.shuffle<i64>(wholeC, wholeC, 1, 1));

  let best = f64x2.splat(0);
  // sums over the left side's cells: including the missing values in the first lane, without them in the second
  let right = i64x2.splat(0);
  for (let cell = cells; cell < end; cell += 16) {
    right = i64x2.add(right, v128.load(cell));
    const left = i64x2.add(right, missing);
    const gs = v128.shuffle<i64>(left, right, 0, 2);
    const hc = v128.shuffle<i64>(left, right, 1, 3);
    const g = f64x2.mul(floatsOf(gs), unitG);
    const h = f64x2.mul(floatsOf(i64x2.shr_u(hc, <i32>COUNT_BITS)), unitH);
    const c = floatsOf(v128.and(hc, counts));
    const otherG = f64x2.sub(G, g);
    const otherH = f64x2.sub(H, h);
    const may = v128.and(areLeaves2(h, c, options), areLeaves2(otherH, f64x2.sub(C, c), options));
    const gain = f64x2.add(leafGain2(g, h, l1, l2), leafGain2(otherG, otherH, l1, l2));
    best = f64x2.pmax(best, v128.and(gain, may));
  }
  const most = Math.max(f64x2.extract_lane(best, 0), f64x2.extract_lane(best, 1));
  const shift = threshold(f64x2.extract_lane(G, 0), f64x2.extract_lane(H, 0), options);
  out.gain = Math.max(0, most - shift);
}

/**
 * Finds the best split by a threshold t: bins 0 .. t go left.
 *
 * First, missing values go left and thresholds are tried from the right; then they go right and thresholds are tried
 * from the left. Of equal gains the first is kept, as in LightGBM. If a leaf has no missing values, those met in
 * prediction go to the side with more rows.
 *
 * @param cells   the feature's histogram: numBins cells of values, then the missing values'
 */
export function bestNumeric(cells: usize, numBins: i32, options: SplitOptions, out: Split): void {
  const missing = cells + ((<usize>numBins) << 4);
  let G: f64 = 0;
  let H: f64 = 0;
  let C: f64 = 0;
  for (let cell = cells; cell <= missing; cell += 16) {
    G += gradientOf(cell, options);
    H += hessianOf(cell, options);
    C += countOf(cell);
  }
  const shift = threshold(G, H, options);
  let best = shift;
  let bestT = -1;
  let bestLeft: f64 = 0;
  let bestG: f64 = 0;
  let bestH: f64 = 0;
  let missingLeft = true;

  // with missing values on the left, the sums of the right side grow from the last bin down
  let g: f64 = 0;
  let h: f64 = 0;
  let c: f64 = 0;
  for (let t = numBins - 2; t >= 0; t--) {
    const cell = cells + ((<usize>(t + 1)) << 4);
    g += gradientOf(cell, options);
    h += hessianOf(cell, options);
    c += countOf(cell);
    if (!isLeaf(h, c, options)) continue;
    if (!isLeaf(H - h, C - c, options)) break;
    const gain = leafGain(G - g, H - h, options, 0) + leafGain(g, h, options, 0);
    if (gain > best) {
      best = gain;
      bestT = t;
      bestLeft = C - c;
      bestG = G - g;
      bestH = H - h;
    }
  }

  // with missing values on the right, the sums of the left side grow from the first bin up, at last to all values
  if (countOf(missing) > 0) {
    g = 0;
    h = 0;
    c = 0;
    for (let t = 0; t < numBins; t++) {
      const cell = cells + ((<usize>t) << 4);
      g += gradientOf(cell, options);
      h += hessianOf(cell, options);
      c += countOf(cell);
      if (!isLeaf(h, c, options)) continue;
      if (!isLeaf(H - h, C - c, options)) break;
      const gain = leafGain(g, h, options, 0) + leafGain(G - g, H - h, options, 0);
      if (gain > best) {
        best = gain;
        bestT = t;
        bestLeft = c;
        bestG = g;
        bestH = h;
        missingLeft = false;
      }
    }
  } else missingLeft = bestLeft >= C - bestLeft;

  out.gain = bestT < 0 ? 0 : best - shift;
  out.threshold = <u32>bestT;
  out.flag = missingLeft ? 1 : 0;
  putSides(out, bestLeft, bestG, bestH, G, H);
}
