// Divides the pairs of fields into tiles, tiles into groups, and groups among threads.
//
//        0 1 2 3   4 5 6 7   8 9       fields in blocks of four
//   0..3 ┌ tile    tile      tile
//   4..7           tile      tile      a tile: the pairs of two blocks, or those within one
//   8..9                     tile
//
// Tiles and groups depend only on the number of fields, and the scores of a group are added in the order of its tiles,
// so sums do not depend on the threads.

/** Maximum number of groups of tiles; each thread adds up the partial scores of all groups. */
const MAX_GROUPS = 16;

/**
 * A tile: all pairs of a field of block A (fromA .. toA - 1) with one of block B, or all pairs within A if A = B; A <=
 * B.
 */
export interface Tile {
  blockA: number;
  blockB: number;
  fromA: number;
  toA: number;
  fromB: number;
  toB: number;
  /** number of pairs of fields; a multi-valued field also forms a pair with itself */
  numPairs: number;
}

/**
 * Returns the number of fields per block: four, because then a feature's vectors of four dimensions for a block are one
 * cache line; or two if there are few fields, so that there are enough tiles for several threads.
 */
export function fieldsPerBlock(numFields: number): 2 | 4 {
  return numFields < 8 ? 2 : 4;
}

/**
 * Returns the tiles of each group. In order of decreasing size, each tile is added to the group with the fewest pairs
 * so far.
 */
export function groupTiles(numFields: number): Tile[][] {
  const size = fieldsPerBlock(numFields);
  const numBlocks = Math.ceil(numFields / size);
  const tiles: Tile[] = [];
  for (let blockA = 0; blockA < numBlocks; blockA++) {
    for (let blockB = blockA; blockB < numBlocks; blockB++)
      tiles.push(tileOf(blockA, blockB, size, numFields));
  }
  const bySize = tiles.toSorted((a, b) => b.numPairs - a.numPairs);
  return deal(bySize, ({ numPairs }) => numPairs, Math.min(tiles.length, MAX_GROUPS));
}

function tileOf(blockA: number, blockB: number, size: number, numFields: number): Tile {
  const fromA = blockA * size;
  const fromB = blockB * size;
  const toA = Math.min(fromA + size, numFields);
  const toB = Math.min(fromB + size, numFields);
  const within = ((toA - fromA) * (toA - fromA - 1)) / 2;
  const numPairs = blockA === blockB ? within : (toA - fromA) * (toB - fromB);
  return { blockA, blockB, fromA, toA, fromB, toB, numPairs };
}

/**
 * Time to process one field's weight relative to one pair of fields; measured with 16 fields: 109 ns for all weights of
 * a row, 20 ns per pair.
 */
const WEIGHT = 1 / 3;

/**
 * Returns the indices of groups by thread. In order of decreasing size, each group is given to the thread with the
 * fewest pairs so far. The first thread also processes the weights.
 */
export function dealGroups(groups: readonly Tile[][], numThreads: number, numFields: number): number[][] {
  const pairs = groups.map(numPairsIn);
  const bySize = groups.map((_, g) => g).toSorted((a, b) => pairs[b]! - pairs[a]!);
  return deal(bySize, (g) => pairs[g]!, numThreads, WEIGHT * numFields);
}

/** Returns the number of pairs of fields in a group. */
function numPairsIn(tiles: readonly Tile[]): number {
  return tiles.reduce((sum, { numPairs }) => sum + numPairs, 0);
}

function deal<T>(items: readonly T[], weightOf: (item: T) => number, numHands: number, ofFirst = 0): T[][] {
  const hands = Array.from({ length: numHands }, (): T[] => []);
  const weights = new Float64Array(numHands);
  weights[0] = ofFirst;
  for (const item of items) {
    const lightest = weights.indexOf(Math.min(...weights));
    hands[lightest]!.push(item);
    weights[lightest]! += weightOf(item);
  }
  return hands;
}
