// Drawing from a distribution in constant time.

/**
 * The alias table of a distribution: slot i is drawn uniformly, and gives item i when a u32 is at most its threshold, else its
 * other item.
 *
 * Source: Walker 1977 (doi:10.1145/355744.355749), made in linear time as Vose 1991 (doi:10.1109/32.92917).
 *
 * @param chances f64[n], >= 0, sum 1
 * @returns u32[n][2]: threshold and other item
 */
export function aliasTable(chances: Float64Array): Uint32Array {
  const n = chances.length;
  const scaled = chances.map((chance) => chance * n);
  const table = Uint32Array.from({ length: 2 * n }, (_, j) => (j % 2 === 0 ? 0xffffffff : j >> 1));
  const small: number[] = [];
  const large: number[] = [];
  scaled.forEach((share, i) => (share < 1 ? small : large).push(i));
  while (small.length > 0 && large.length > 0) {
    const [low, high] = [small.pop()!, large.at(-1)!];
    table[2 * low] = Math.floor(scaled[low]! * 0xffffffff);
    table[2 * low + 1] = high;
    // the large one gives what the small one lacks
    scaled[high]! -= 1 - scaled[low]!;
    if (scaled[high]! < 1) small.push(large.pop()!);
  }
  return table;
}
