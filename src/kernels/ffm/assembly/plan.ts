// The field-aware kernel's arguments beside plan.ts, as structs in the shared memory; ../binding.ts writes them.
// Pointers are byte offsets, 64-byte aligned.
//
//   n   features          F   fields, padded to whole blocks      Q   quads: four dimensions of a vector, zero-padded
//   A, B   blocks of two or four neighboring fields
//
//   tile (A, B)   the pairs of a field of A with one of B, or all pairs within A; a thread owns whole tiles
//   group         tiles whose scores are added up together; the groups do not depend on the number of threads

import { Plan, Thread } from "../../fm/assembly/plan";

/** Number of features in a slice of `initialize`, `exportSlice` and `importSlice`. */
export const RUN: u32 = 4096;

/**
 * The model and its training options. All threads read it, none writes to it.
 *
 * In the base class Plan, numSlices is the number of groups. slices and accumulators are u32[blocks][blocks][2]: the place of v and its
 * state for the features of a block and the partner fields of another, f32[F of a block][Q][S][4] by field and quad (S depends on the
 * method), or of AdaGrad's accumulator. The first number is the address for feature 0, as if it were in that block, the second the
 * distance to the next feature. The field sums is not used.
 */
export class FfmPlan extends Plan {
  /** without padding */
  numFields: u32;
  /** Q */
  numQuads: u32;
  numBlocks: u32;
  /** fields a block */
  blockFields: u32;
  /** u32[n]: field of each feature */
  fieldOf: usize;
  /** u32[fields][2]: hash of the field's name; 1 when a row may hold several of its features */
  fields: usize;
  /** u32[fields]: 1 where a field has many features */
  large: usize;
  /** all tiles, group by group */
  tiles: usize;
  numTiles: u32;
  /** 1: a row's values are divided by their Euclidean norm */
  normalize: u32;
  /** bytes of a quad with its state: 16 S */
  quadBytes: u32;
}

/** Pairs of fields that one thread works on. */
export class Tile {
  /** blocks A <= B */
  blockA: u32;
  blockB: u32;
  /** fields fromA .. toA - 1 and fromB .. toB - 1 */
  fromA: u32;
  toA: u32;
  fromB: u32;
  toB: u32;
  /** group whose partial score it adds to */
  group: u32;
  /** 1 for the first of its group */
  opensGroup: u32;
}

/** Bytes of a Tile. */
export const TILE: usize = 32;

/** A thread's vectors of a block's features: those for several blocks of partner fields are side by side. */
export class Table {
  /** as in slices */
  vectors: usize;
  /** 0 when it has none */
  stride: usize;
  /** as in accumulators */
  accumulators: usize;
  accumulatorStride: usize;
}

/** Bytes of a Table. */
export const TABLE: usize = 16;

/** Memory of one thread, in addition to that of plan.ts. */
export class FfmThread extends Thread {
  /** the thread's tiles, whole groups */
  tiles: usize;
  numTiles: u32;
  /** 1: this thread moves the weights */
  linear: u32;
  /** Table[blocks] */
  tables: usize;
  /** for a batch of any width, u32: offset of the vector for a pair's field within the vectors of a partner in that block */
  partners: usize;
  /** u32[B][blocks]: where a row's pairs of each block end */
  blockEnds: usize;
  /**
   * f32[blocks][pairs of a batch]: for each pair's feature and each block of partner fields, s of ada-grad.ts, later the rate of the step
   */
  squares: usize;
  /** u32: address of the sums of each pair's feature; 0 if it is not marked */
  sumsOfPairs: usize;
  /** f32[4][4] */
  scratch: usize;
  /** value of every pair of one-hot rows */
  unit: f32;
}
