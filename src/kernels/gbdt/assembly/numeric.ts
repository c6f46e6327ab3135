// The best threshold of a numeric feature, with missing values on the side where they gain more.

import { countOf, gradientOf, hessianOf, isLeaf, leafGain, Split, SplitOptions, threshold } from "./gain";

/**
 * Searches thresholds t: bins 0 .. t go left.
 *
 * Missing values are tried on the left first, thresholds from the right, then on the right, thresholds from the left; of equal
 * gains the first found stays, as in LightGBM. Where a leaf has no missing value, the side of more rows takes those to come.
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
  let missingLeft = true;

  // missing on the left: the right side grows from the last bin down
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
    }
  }

  // missing on the right: the left side grows from the first bin up, at last to all values
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
        missingLeft = false;
      }
    }
  } else missingLeft = bestLeft >= C - bestLeft;

  out.gain = bestT < 0 ? 0 : best - shift;
  out.threshold = <u32>bestT;
  out.flag = missingLeft ? 1 : 0;
  out.numLeft = <u32>bestLeft;
}
