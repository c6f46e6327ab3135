// How much of a table a drawing keeps: whether the nearest rows of a row are its nearest dots too.

import { NO_ITEM } from "../kernels/top-items/binding.js";

/**
 * Mean share of a row's k nearest others that are among its k nearest dots, in [0, 1]; dots at the same distance stand in row order.
 *
 * @param nearest u32[n * wide]: of each row the nearest others by cosine, at least k of them where there are as many
 * @param places  f64[n][2], n > k
 */
export function keptNeighbours(nearest: Uint32Array, places: Float64Array, k: number): number {
  const n = places.length / 2;
  const wide = nearest.length / n;
  let kept = 0;
  for (let row = 0; row < n; row++) {
    const dots = nearestDots(places, row, k);
    for (let i = row * wide; i < row * wide + k; i++)
      if (nearest[i] !== NO_ITEM && dots.includes(nearest[i]!)) kept++;
  }
  return kept / (n * k);
}

/** The k dots nearest to one, itself left out. */
function nearestDots(places: Float64Array, row: number, k: number): Uint32Array {
  const rows = new Uint32Array(k);
  const distances = new Float64Array(k).fill(Infinity);
  for (let other = 0; other < places.length / 2; other++) {
    if (other === row) continue;
    const [x, y] = [places[2 * other]! - places[2 * row]!, places[2 * other + 1]! - places[2 * row + 1]!];
    const distance = x * x + y * y;
    if (distance >= distances[k - 1]!) continue;
    // what is farther moves back by one
    let at = k - 1;
    for (; at > 0 && distances[at - 1]! > distance; at--) {
      distances[at] = distances[at - 1]!;
      rows[at] = rows[at - 1]!;
    }
    distances[at] = distance;
    rows[at] = other;
  }
  return rows;
}
