// How the pairs of fields are cut into tiles, tiles put into groups, and groups dealt to threads.
//
//        0 1 2 3   4 5 6 7   8 9       fields in blocks of four
//   0..3 ┌ tile    tile      tile
//   4..7           tile      tile      a tile: the pairs of two blocks, or those within one
//   8..9                     tile
//
// Tiles and groups depend on the number of fields alone, and a group's scores are added up in the order of its tiles, so that
// sums are the same whoever computes them.

/** Groups at the most: parts of the score that every thread adds up. */
const MAX_GROUPS = 16;

/** Fields from .. to - 1 of two blocks, A <= B. */
export interface Tile {
  blockA: number;
  blockB: number;
  fromA: number;
  toA: number;
  fromB: number;
  toB: number;
  /** pairs of fields; a multi-valued field is a pair with itself, too, and costs nothing where there are none */
  numPairs: number;
}

/** Fields a block: at four dimensions four of them are two cache lines; few fields are cut finer, so that threads share them. */
export function fieldsPerBlock(numFields: number): 2 | 4 {
  return numFields < 8 ? 2 : 4;
}

/** The groups, each a list of tiles: the largest tile goes to the group of fewest pairs, and so on. */
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

/** How long the weights of a row take, in pairs of fields, for each field: measured by phases with 16 fields, 109 of 20 ns a pair. */
const WEIGHT = 1 / 3;

/**
 * Indices of groups by thread: the largest group goes to the thread of fewest pairs, and so on. The first thread has the
 * weights besides.
 */
export function dealGroups(groups: readonly Tile[][], numThreads: number, numFields: number): number[][] {
  const pairs = groups.map(pairsOf);
  const bySize = groups.map((_, g) => g).toSorted((a, b) => pairs[b]! - pairs[a]!);
  return deal(bySize, (g) => pairs[g]!, numThreads, WEIGHT * numFields);
}

/** Pairs of fields of a group. */
function pairsOf(tiles: readonly Tile[]): number {
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
