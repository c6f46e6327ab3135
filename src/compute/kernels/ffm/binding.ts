// Binding of the field-aware kernel. It exports the functions of FmKernel (../fm/binding.ts), so that the same training
// code runs both kernels.
//
//   plan ──► slices     u32[blocks][blocks][2]   where the vectors of a block's features for each block of partner
//                       fields lie:
//                       f32[F of a block][Q][S][4]   v and its state, S of the method, by field and quad
//        ──► accumulators  u32[blocks][blocks][2]   where AdaGrad's accumulators of them lie
//        ──► linear     f32[n][L]            w and its state, L of the method
//        ──► fieldOf    u32[n]
//        ──► tiles      struct[]             all pairs of fields, group by group
//        ──► partials   f32[2][G+1][B]       partial scores, alternating
//   thread t ──► its tiles; for a batch squares and sumsOfPairs, and if rows differ in width, partners and blockEnds

import { sizeText, UsageError } from "../../../base/errors.js";
import { allocateBarrier } from "../shared/barrier.js";
import {
  allocateWeights,
  BATCH_ROWS,
  KEPT_FIELDS,
  METHODS,
  type FmLayout,
  type FmShape,
  type StridedOffset,
  planFields,
  putPlaces,
  threadFields,
} from "../fm/binding.js";
import { FfmPlan, FfmThread, RUN, FfmTable, Tile as TileStruct } from "./layout.js";
import type { Arena, Region } from "../shared/memory.js";
import { setField, writeStruct, writeStructs } from "../shared/struct.js";
import { threadsInUse } from "../shared/threads-in-use.js";

/**
 * Assignment of features to fields, which a field-aware machine needs. The pairs of each row must be sorted by field.
 */
export interface FieldAwareness {
  numFields: number;
  /** u32[numFeatures] */
  fieldOf: Uint32Array;
  /** u32[numFields]: hash of each field's name, from which initial vectors for partners of this field are drawn */
  fieldHashes: Uint32Array;
  /**
   * for each field, whether a row may have several of its features; these features then also interact with each other
   */
  multi: readonly boolean[];
  /** whether each row's values are divided by their Euclidean norm */
  normalizeRows: boolean;
}

/** Returns the f32 per parameter including state, and whether AdaGrad's accumulators are one per feature and block. */
function stateOf(method: FmShape["method"]): { states: number; shares: boolean } {
  const shares = method === "adagrad" || method === "ftrl";
  return { states: shares ? 1 : METHODS[method].states, shares };
}

/** Returns the floats of a feature's vectors in the kernel, without optimizer state. */
function paddedWidth(numFields: number, dim: number): number {
  const size = fieldsPerBlock(numFields);
  return Math.ceil(numFields / size) * size * Math.ceil(dim / 4) * 4;
}

/**
 * Allocates parameters, buffers and structs of a field-aware machine; parameters are zero until `initialize` or
 * `importSlice`.
 *
 * @throws {UsageError} it does not fit the arena; the message says how much memory it needs
 */
export function allocateFfm(arena: Arena, shape: FmShape, fields: FieldAwareness): FmLayout {
  const { numFeatures, dim } = shape;
  const { numFields } = fields;
  checkSize(arena, shape, numFields);
  const groups = groupTiles(numFields);
  const numThreads = Math.max(1, Math.min(shape.threads, groups.length));
  const blockFields = fieldsPerBlock(numFields);
  const numBlocks = Math.ceil(numFields / blockFields);
  const width = paddedWidth(numFields, dim);
  const { states, shares } = stateOf(shape.method);

  const barrier = allocateBarrier(arena);
  const all = groups.map((_, g) => g);
  const quadBytes = states * 16;
  const quads = Math.ceil(dim / 4);
  const bytesOfBlock = blockFields * quads * quadBytes;
  const dealt = dealGroups(groups, numThreads, numFields);
  const ranges = rangesOfBlocks(fields, blockFields);
  const tilesOf = dealt.map((own) => own.flatMap((g) => groups[g]!));
  const vectors = arena.allocate(`the vectors of ${numFeatures} features`, numFeatures * states * width * 4);
  const tables = cutByThread(vectors, tilesOf, ranges, bytesOfBlock);
  const squares = shares
    ? cutByThread(
        arena.allocate(`the accumulators of ${numFeatures} features`, numFeatures * numBlocks * 4),
        tilesOf,
        ranges,
        4,
      )
    : undefined;
  const rates = shape.hasRates ? arena.allocate("the rates of the features", numFeatures * 16) : undefined;
  const common = planFields(arena, shape, {
    barrier,
    numThreads,
    numParts: groups.length,
    sliceWidth: 4,
    slices: putPlaces(arena, tables.places.flat()),
    featureStride: 0,
    linear: allocateWeights(arena, shape, 0),
    accumulators: squares ? putPlaces(arena, squares.places.flat()) : 0,
    sums: undefined,
    rates,
  });
  const flags = fields.multi.flatMap((multi, f) => [fields.fieldHashes[f]!, Number(multi)]);
  const plan = writeStruct(arena, "a plan", FfmPlan, {
    ...common,
    numFields,
    numQuads: quads,
    numBlocks,
    blockFields,
    fieldOf: arena.put("the fields of the features", fields.fieldOf),
    fields: arena.put("the fields", Uint32Array.from(flags)),
    large: arena.put("the large fields", largeFields(fields)),
    tiles: writeTiles(arena, "the tiles", groups, all),
    numTiles: groups.flat().length,
    normalize: fields.normalizeRows,
    quadBytes,
  });

  const tilesAmong = Array.from({ length: numThreads }, (_, most) =>
    dealGroups(groups, most + 1, numFields).map((own) => ({
      tiles: writeTiles(arena, "a thread's tiles", groups, own),
      numTiles: own.reduce((sum, g) => sum + groups[g]!.length, 0),
    })),
  );
  const threads = dealt.map((_, t) =>
    writeStruct(arena, "a thread", FfmThread, {
      ...threadFields(arena, numFeatures, 0, groups.length + 1),
      ...tilesAmong[numThreads - 1]![t]!,
      tables: writeTables(arena, tables.threads[t]!, squares?.threads[t]),
      linear: t === 0,
      // `reservePairs` allocates these three arrays when the rows are known
      partners: 0,
      squares: 0,
      sumsOfPairs: 0,
      scratch: arena.numbers("scratch", 16),
      blockEnds: arena.numbers("the block ends of a batch", BATCH_ROWS * numBlocks),
      unit: 1,
    }),
  );
  const numSlices = Math.ceil(numFeatures / RUN);
  const quadsOfFields = Array.from({ length: numFields * quads }, (_, j) => j);
  const blockOf = (j: number) => Math.floor(j / quads / blockFields);
  const vectorWidth = numFields * dim;
  const bytesOfRepeat = (blockFields * quads + 1) * 16;
  return {
    plan,
    threads,
    barrier,
    use: threadsInUse(arena, FfmPlan, plan, {
      ...{ thread: FfmThread, threads, ...KEPT_FIELDS },
      follow(among) {
        tilesAmong[among - 1]!.forEach(({ tiles, numTiles }, t) => {
          setField(arena, FfmThread, threads[t]!, "tiles", tiles);
          setField(arena, FfmThread, threads[t]!, "numTiles", numTiles);
        });
      },
    }),
    numSlices,
    slices: tables.places.map((places) =>
      quadsOfFields.map((j) => {
        const { offset, stride } = places[blockOf(j)]!;
        return { offset: offset + (j % (blockFields * quads)) * quadBytes, stride };
      }),
    ),
    accumulators: squares?.places.map((places) => quadsOfFields.map((j) => places[blockOf(j)]!)),
    groups: ranges.slice(0, -1),
    used: quadsOfFields.map((j) => Math.min(4, dim - 4 * (j % quads))),
    vectorWidth,
    rates,
    bytesOfRepeat,
    pairs: { copied: 0, batch: 0 },
    thread: FfmThread,
    pairArrays: { values: 1, partners: 1, sumsOfPairs: 1, squares: shares ? numBlocks : 0 },
  };
}

/** Returns the first feature of each block of fields; the last element is the number of features. */
function rangesOfBlocks({ numFields, fieldOf }: FieldAwareness, blockFields: number): number[] {
  const starts = Array<number>(Math.ceil(numFields / blockFields) + 1).fill(fieldOf.length);
  fieldOf.forEach((field, feature) => {
    if (feature > 0 && field < fieldOf[feature - 1]!)
      throw new RangeError("features out of their fields' order");
    const block = Math.floor(field / blockFields);
    starts[block] = Math.min(starts[block]!, feature);
  });
  // a block without features starts at the first feature of the next block
  for (let block = starts.length - 2; block >= 0; block--)
    starts[block] = Math.min(starts[block]!, starts[block + 1]!);
  return starts;
}

/** Locations of the tables of vectors, or of AdaGrad's accumulators. */
interface BlockTables {
  /** by block of features and block of partner fields */
  places: StridedOffset[][];
  /** by thread and block of features */
  threads: (StridedOffset | undefined)[][];
}

/**
 * Divides a region into a table for each thread and block of features, so that all numbers of a feature that one
 * thread's tiles read are adjacent. No cache line is shared by two threads.
 *
 * @param starts first feature of each block, from rangesOfBlocks
 */
function cutByThread(
  { offset }: Region,
  tilesOf: readonly (readonly Tile[])[],
  starts: readonly number[],
  bytesOfBlock: number,
): BlockTables {
  const numBlocks = starts.length - 1;
  const places = Array.from({ length: numBlocks }, (): StridedOffset[] => []);
  let next = offset;
  const threads = tilesOf.map((tiles) =>
    places.map((ofBlock, block) => {
      const met = tiles.flatMap(({ blockA, blockB }) =>
        blockA === block ? [blockB] : blockB === block ? [blockA] : [],
      );
      const stride = met.length * bytesOfBlock;
      const start = next - starts[block]! * stride;
      met
        .toSorted((a, b) => a - b)
        .forEach((partners, k) => {
          ofBlock[partners] = { offset: start + k * bytesOfBlock, stride };
        });
      next += (starts[block + 1]! - starts[block]!) * stride;
      return stride ? { offset: start, stride } : undefined;
    }),
  );
  return { places, threads };
}

/** Writes the FfmTable structs of one thread. @returns byte offset of the first */
function writeTables(
  arena: Arena,
  vectors: BlockTables["threads"][number],
  accumulators: BlockTables["threads"][number] | undefined,
): number {
  const tables = vectors.map((place, block) => ({
    vectors: place,
    stride: place?.stride ?? 0,
    // without accumulators, the kernel prefetches vectors in place of them
    accumulators: (accumulators ?? vectors)[block]?.offset ?? 0,
    accumulatorStride: (accumulators ?? vectors)[block]?.stride ?? 0,
  }));
  return writeStructs(arena, "a thread's tables", FfmTable, tables);
}

/** Number of features above which a field's vectors are expected to exceed the cache. */
const MANY = 256;

/** Returns u32[fields]: 1 for each field with more than MANY features, else 0. */
function largeFields({ numFields, fieldOf }: FieldAwareness): Uint32Array {
  const sizes = new Uint32Array(numFields);
  for (const field of fieldOf) sizes[field]!++;
  return sizes.map((size) => Number(size > MANY));
}

/** Writes the Tile structs of the chosen groups. @returns byte offset of the first */
function writeTiles(
  arena: Arena,
  name: string,
  groups: readonly Tile[][],
  chosen: readonly number[],
): number {
  const structs = chosen.flatMap((group) =>
    groups[group]!.map((tile, i) => ({ ...tile, group, opensGroup: i === 0 })),
  );
  return writeStructs(arena, name, TileStruct, structs);
}

/** @throws {UsageError} the parameters and the copy that is kept of the best epoch do not fit the arena */
function checkSize(arena: Arena, shape: FmShape, numFields: number): void {
  const { numFeatures, dim, method, threads } = shape;
  const { linearBytes } = METHODS[method];
  const { states, shares } = stateOf(method);
  const vectors = states * paddedWidth(numFields, dim) + numFields * dim;
  const accumulators = shares ? Math.ceil(numFields / fieldsPerBlock(numFields)) : 0;
  const squares = 4 * threads * BATCH_ROWS * numFields * accumulators;
  const bytes = numFeatures * (4 * (vectors + accumulators + 4 + threads) + linearBytes) + squares;
  if (bytes <= arena.freeBytes) return;
  throw new UsageError(
    `a field-aware machine of ${numFeatures} features, ${numFields} fields and ${dim} dimensions needs ` +
      `${sizeText(bytes)} of memory, the limit is 4 GiB: use fewer fields (--fields, --ignore), a smaller ` +
      "--dim, a larger --min-count, or a --model with one vector per feature instead of one per field",
  );
}

// Divides the pairs of fields into tiles, tiles into groups, and groups among threads.
//
//        0 1 2 3   4 5 6 7   8 9       fields in blocks of four
//   0..3 ┌ tile    tile      tile
//   4..7           tile      tile      a tile: the pairs of two blocks, or those within one
//   8..9                     tile
//
// Tiles and groups depend only on the number of fields, and the scores of a group are added in the order of its tiles,
// so sums do not depend on the threads.

/** Maximum number of groups; each thread adds up the partial scores of all groups. */
const MAX_GROUPS = 16;

/** All pairs of a field of block A (fromA .. toA - 1) with one of block B, or all pairs within A if A = B; A <= B. */
interface Tile {
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

/** Returns the tiles of each group: in order of decreasing size, a tile is added to the group with the fewest pairs. */
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
 * Returns the indices of groups by thread: in order of decreasing size, a group is given to the thread with the fewest
 * pairs. The first thread also processes the weights.
 */
export function dealGroups(groups: readonly Tile[][], numThreads: number, numFields: number): number[][] {
  const pairs = groups.map((tiles) => tiles.reduce((sum, { numPairs }) => sum + numPairs, 0));
  const bySize = groups.map((_, g) => g).toSorted((a, b) => pairs[b]! - pairs[a]!);
  return deal(bySize, (g) => pairs[g]!, numThreads, WEIGHT * numFields);
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
