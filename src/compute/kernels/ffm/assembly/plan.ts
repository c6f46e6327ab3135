// Arguments of the field-aware kernel in addition to those of fm/assembly/plan.ts, as structs in the shared memory;
// ../binding.ts writes them. Pointers are byte offsets, 64-byte aligned.
//
//   n   features          F   fields, padded to whole blocks      Q   quads: four dimensions of a vector, zero-padded
//   A, B   blocks of two or four neighboring fields
//
//   tile (A, B)   the pairs of a field of A with one of B, or all pairs within A; a thread owns whole tiles
//   group         tiles whose scores are added up together; the groups do not depend on the number of threads

import { Plan, Thread } from "../../fm/assembly/plan";

/** Number of features in a slice, the unit of `initialize`, `exportSlice` and `importSlice`. */
export const RUN: u32 = 4096;

/**
 * The model and its training options. All threads read it, none writes to it.
 *
 * Three fields of the base class Plan have another meaning here. `numSlices` is the number of groups, and `sums` is not
 * used. `slices` and `accumulators` are u32[blocks][blocks][2]: for the features of one block and the partner fields of
 * another, the address that feature 0 would have in the table, and the distance to the next feature. The table of
 * `slices` contains v and its state, f32[F of a block][Q][S][4] by field and quad, where S depends on the method; that
 * of `accumulators` contains AdaGrad's accumulators.
 */
export class FfmPlan extends Plan {
  /** number of fields without padding */
  numFields: u32;
  /** Q: quads of a vector */
  numQuads: u32;
  numBlocks: u32;
  blockFields: u32;
  /** u32[n] */
  fieldOf: usize;
  /** u32[fields][2]: hash of the field's name; 1 if a row may have several features of the field, else 0 */
  fields: usize;
  /** u32[fields]: 1 for a field whose vectors are expected to exceed the cache, else 0 */
  large: usize;
  /** Tile[numTiles], sorted by group */
  tiles: usize;
  numTiles: u32;
  /** 1 if each row's values are divided by their Euclidean norm */
  normalize: u32;
  /** bytes of a quad with its optimizer state */
  quadBytes: u32;
}

/** A rectangle of pairs of fields; one thread processes it. */
export class Tile {
  /** blocks of fields; blockA is at most blockB */
  blockA: u32;
  blockB: u32;
  /** fields fromA .. toA - 1 with fields fromB .. toB - 1 */
  fromA: u32;
  toA: u32;
  fromB: u32;
  toB: u32;
  /** the tiles of a group add to the same partial score */
  group: u32;
  /** 1 if the tile is the first of its group, which writes the partial score */
  opensGroup: u32;
}

/** Bytes of a Tile. */
export const TILE: usize = 32;

/**
 * A thread's table of the vectors of the features in one block of fields; a feature's vectors for several blocks of
 * partner fields are adjacent.
 */
export class FfmTable {
  /** as in FfmPlan.slices */
  vectors: usize;
  /** bytes from one feature's vectors to the next's; 0 if the thread has no vectors of the block */
  stride: usize;
  /** as in FfmPlan.accumulators */
  accumulators: usize;
  accumulatorStride: usize;
}

/** Bytes of a FfmTable. */
export const TABLE: usize = 16;

/** Buffers of one thread, in addition to those of fm/assembly/plan.ts. */
export class FfmThread extends Thread {
  /** Tile[numTiles] of this thread */
  tiles: usize;
  numTiles: u32;
  /** 1 if this thread computes the linear part and updates the weights */
  linear: u32;
  /** FfmTable[blocks] */
  tables: usize;
  /**
   * u32 by pair of a batch whose rows differ in width: byte offset of the vector for the pair's field among a partner
   * feature's vectors for a block of fields
   */
  partners: usize;
  /** u32[B][blocks]: index after the row's last pair whose field belongs to the block */
  blockEnds: usize;
  /** f32[blocks of partner fields][pairs of a batch]: s (ada-grad.ts), later the learning rate of the step */
  squares: usize;
  /** u32[pairs of a batch]: address of the sums of the pair's feature; 0 if it is not marked as repeated */
  sumsOfPairs: usize;
  /** f32[4][4] */
  scratch: usize;
  /** common value of all pairs, if rows are one-hot */
  unit: f32;
}
