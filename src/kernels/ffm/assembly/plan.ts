// The field-aware kernel's arguments beside plan.ts, as structs in the shared memory; ../binding.ts writes them.
// Pointers are byte offsets, 64-byte aligned.
//
//   n   features          F   fields, padded to whole blocks      Q   quads: four dimensions of a vector, zero-padded
//   A, B   blocks of two or four neighboring fields
//
//   tile (A, B)   the pairs of a field of A with one of B, or all pairs within A; a thread owns whole tiles
//   group         tiles whose scores are added up together; the groups do not depend on the number of threads

import { Plan, Thread } from "../../fm/assembly/plan";

/** Features of a slice of `initialize`, `exportSlice` and `importSlice`. */
export const RUN: u32 = 4096;

/**
 * The model and how it is trained. Read by every thread, written by none.
 *
 * Of Plan, numSlices are the groups, and slices and accumulators are u32[blocks][blocks][2] by place: where v and its state of the
 * features of a block for the partner fields of another lie, f32[F of a block][Q][S][4] by field and quad, S by the method, or
 * AdaGrad's accumulator; first what feature 0 would have, were it of that block, then how much further the next one lies. The
 * field sums is not used.
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
  /** which partial score it adds to */
  group: u32;
  /** 1 for the first of its group */
  opensGroup: u32;
}

/** Bytes of a Tile. */
export const TILE: usize = 32;

/** What a thread has of the features of a block: the vectors for several blocks of partner fields side by side. */
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

/** One thread's own, beside what plan.ts has. */
export class FfmThread extends Thread {
  /** the thread's tiles, whole groups */
  tiles: usize;
  numTiles: u32;
  /** 1: this thread moves the weights */
  linear: u32;
  /** Table[blocks] */
  tables: usize;
  /** of a batch of any width, u32: where the vector for a pair's field lies within a partner's of that block */
  partners: usize;
  /** u32[B][blocks]: where a row's pairs of each block end */
  blockEnds: usize;
  /**
   * f32[blocks][pairs of a batch]: of each pair's feature and each block of partner fields, s of ada-grad.ts, then the rate of
   * the step
   */
  squares: usize;
  /** u32: where the sums of each pair's feature lie; 0 for an unmarked one */
  sumsOfPairs: usize;
  /** f32[4][4] */
  scratch: usize;
  /** value of every pair of one-hot rows */
  unit: f32;
}
