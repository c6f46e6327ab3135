// The field-aware kernel's arguments beside plan.ts, as structs in the shared memory; ../binding.ts writes them.
// Pointers are byte offsets, 64-byte aligned.
//
//   n   features          F   fields, padded to whole blocks      Q   quads: four dimensions of a vector, zero-padded
//   A, B   blocks of two or four neighbouring fields
//
//   tile (A, B)   the pairs of a field of A with one of B, or all pairs within A; a thread owns whole tiles
//   group         tiles whose scores are added up together; the groups do not depend on the number of threads

import { Plan, Thread } from "../../fm/assembly/plan";

/** Features of a slice of `initialise`, `exportSlice` and `importSlice`. */
export const RUN: u32 = 4096;

/**
 * The model and how it is trained. Read by every thread, written by none.
 *
 * Of Plan, numSlices are the groups, and slices is u32[blocks]: where v and its state for the partner fields of each block lie,
 * f32[n][F of a block][Q][S][4] by feature, field and quad, S by the method. Sums there are none.
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

/** One thread's own, beside what plan.ts has. */
export class FfmThread extends Thread {
  /** the thread's tiles, whole groups */
  tiles: usize;
  numTiles: u32;
  /** 1: this thread moves the weights */
  linear: u32;
  /** u32: where each pair's feature lies behind the first, in any block */
  offsets: usize;
  /** of a batch of any width, u32: where the vector for a pair's field lies within a partner's of that block */
  partners: usize;
  /** u32[B][blocks]: where a row's pairs of each block end */
  blockEnds: usize;
  /** value of every pair of one-hot rows */
  unit: f32;
}
