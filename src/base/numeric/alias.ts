// Draws from a discrete distribution in constant time (alias method).

import { draw } from "./random.js";

/**
 * Returns the alias table of a distribution: a draw picks slot i uniformly, and then item i if a u32 is at most the
 * slot's threshold, else the slot's other item.
 *
 * @param chances f64[n], >= 0, sum 1
 * @returns u32[n][2]: threshold and other item
 */
export function aliasTable(chances: Float64Array): Uint32Array {
  const n = chances.length;
  const table = new Uint32Array(2 * n);
  putAlias(
    chances.map((chance) => chance * n),
    table,
    new Uint32Array(n),
  );
  return table;
}

/**
 * Writes an alias table in place, for callers that create many tables.
 *
 * Source: Walker 1977 (doi:10.1145/355744.355749), built in linear time as in Vose 1991 (doi:10.1109/32.92917).
 *
 * @param shares f64[n], >= 0, mean 1; overwritten
 * @param table  u32[n][2]: threshold and other item
 * @param room   buffer of at least n numbers, which is overwritten
 */
export function putAlias(shares: Float64Array, table: Uint32Array, room: Uint32Array): void {
  const n = shares.length;
  // the array holds two stacks: items with a share below the mean at its front, the other items at its back
  let [small, large] = [0, n];
  for (let i = 0; i < n; i++) {
    table[2 * i] = 0xffffffff;
    table[2 * i + 1] = i;
    if (shares[i]! < 1) room[small++] = i;
    else room[--large] = i;
  }
  while (small > 0 && large < n) {
    const [low, high] = [room[--small]!, room[large]!];
    table[2 * low] = Math.floor(shares[low]! * 0xffffffff);
    table[2 * low + 1] = high;
    // the large item gets the remaining probability of the small item's slot
    shares[high]! -= 1 - shares[low]!;
    if (shares[high]! < 1) {
      large++;
      room[small++] = high;
    }
  }
}

/** Draws an item. @param table result of aliasTable @param counter index of the draw in the key's stream */
export function drawAlias(table: Uint32Array, key: number, counter: number): number {
  const slot = Math.floor((draw(key, 2 * counter) * (table.length / 2)) / 2 ** 32);
  return draw(key, 2 * counter + 1) <= table[2 * slot]! ? slot : table[2 * slot + 1]!;
}
