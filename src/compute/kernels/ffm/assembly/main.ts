// A field-aware factorization machine, divided by pairs of fields: each thread owns whole tiles of pairs, and threads
// exchange one partial score per row and group of tiles. The parameters are the same bytes at any number of threads
// (docs/algorithms/ffm.md).
//
//   score(x) = w0 + sum_i w_i x_i + sum_{i<j} <v_(i, field of j), v_(j, field of i)> x_i x_j
//
//   B  rows per batch      G  groups of tiles; group G contains the weights      F  fields      Q  quads
//
// It has the functions of ../../fm/assembly/main.ts, which describes them, so that the same code calls both. Its
// slices, the units for drawing and copying parameters, are runs of 4,096 features. Structs and shapes: plan.ts. Twin:
// ../ffm.reference.ts.

import { growAccumulators, openRepeats } from "./ada-grad";
import { forwardFour, forwardWithin, hasFour, updateFour, updateWithin } from "./four";
import { bytesOfPartner, locatePairs, placeOf, strideAt, touchBatch, vectorsAt } from "./pairs";
import { FfmPlan, FfmThread, RUN, Tile, TILE } from "./plan";
import { forwardTile, updateTile } from "./tile";
import { nextPartials, openBatch, openBlock, scoreBatch, takeGradients } from "../../fm/assembly/batch";
import {
  forwardLinear,
  updateWeights,
  exportWeights,
  importWeights,
  startWeights,
} from "../../fm/assembly/linear";
import {
  ADAM,
  SGD,
  startState,
  BATCH_ROWS,
  Rows,
  RatedAdaGrad,
  RatedAdam,
  RatedSgd,
  accumulatorAt,
  accumulatorStride,
} from "../../fm/assembly/plan";
import { clearRepeats } from "../../fm/assembly/repeats";
import { draw, featureKey, firstValue } from "../../shared/assembly/random";
import { AdaGrad, Adam, Sgd } from "../../shared/assembly/steps";

/** Computes the partial scores of a tile; if S is u32, also the sums of squares that AdaGrad needs. */
function forward<S>(plan: FfmPlan, thread: FfmThread, tile: Tile, partials: usize): void {
  const partial = partials + ((<usize>tile.group * BATCH_ROWS) << 2);
  if (hasFour(plan, thread, tile)) {
    if (tile.blockA == tile.blockB) forwardWithin<S>(plan, thread, tile, partial);
    else forwardFour<S>(plan, thread, tile, partial);
  } else if (plan.quadBytes != 16) {
    // optimizer state is between the quads of a vector
    if (thread.general) forwardTile<u16, f32, S>(plan, thread, tile, partial);
    else forwardTile<u16, u32, S>(plan, thread, tile, partial);
  } else if (plan.numQuads == 1) {
    if (thread.general) forwardTile<u32, f32, S>(plan, thread, tile, partial);
    else forwardTile<u32, u32, S>(plan, thread, tile, partial);
  } else {
    if (thread.general) forwardTile<u64, f32, S>(plan, thread, tile, partial);
    else forwardTile<u64, u32, S>(plan, thread, tile, partial);
  }
}

/** Takes one step for each pair of the tile; for FTRL, vectors take AdaGrad's steps. */
function update(plan: FfmPlan, thread: FfmThread, tile: Tile): void {
  const rated = plan.rates != 0;
  if (plan.method == SGD) {
    if (rated) updateBy<RatedSgd>(plan, thread, tile);
    else updateBy<Sgd>(plan, thread, tile);
  } else if (plan.method == ADAM) {
    if (rated) updateBy<RatedAdam>(plan, thread, tile);
    else updateBy<Adam>(plan, thread, tile);
  } else {
    if (rated) updateBy<RatedAdaGrad>(plan, thread, tile);
    else updateBy<AdaGrad>(plan, thread, tile);
  }
}

function updateBy<M>(plan: FfmPlan, thread: FfmThread, tile: Tile): void {
  if (sizeof<M>() == 4) {
    if (!isSigned<M>() && hasFour(plan, thread, tile)) {
      if (tile.blockA == tile.blockB) updateWithin(plan, thread, tile);
      else updateFour(plan, thread, tile);
      return;
    }
    if (thread.general) growAccumulators<f32, M>(plan, thread, tile);
    else growAccumulators<u32, M>(plan, thread, tile);
  }
  if (sizeof<M>() == 8) {
    if (thread.general) updateTile<u16, f32, M>(plan, thread, tile);
    else updateTile<u16, u32, M>(plan, thread, tile);
  } else if (plan.numQuads == 1) {
    if (thread.general) updateTile<u32, f32, M>(plan, thread, tile);
    else updateTile<u32, u32, M>(plan, thread, tile);
  } else {
    if (thread.general) updateTile<u64, f32, M>(plan, thread, tile);
    else updateTile<u64, u32, M>(plan, thread, tile);
  }
}

function forwardWeights(plan: FfmPlan, thread: FfmThread, partials: usize): void {
  const partial = partials + ((<usize>plan.numSlices * BATCH_ROWS) << 2);
  if (thread.general) {
    forwardLinear<f32>(plan, thread, partial);
    return;
  }
  forwardLinear<u32>(plan, thread, partial);
  if (plan.normalize) scale(partial, thread.numRows, thread.unit);
}

/** Multiplies n floats, rounded up to a multiple of 4. */
function scale(x: usize, n: usize, factor: f32): void {
  const by = f32x4.splat(factor);
  for (let i: usize = 0; i < n; i += 4) v128.store(x + (i << 2), f32x4.mul(v128.load(x + (i << 2)), by));
}

/** One barrier per batch is enough: a tile's parameters are read only by the thread that wrote them. */
export function trainBlock(
  plan: FfmPlan,
  thread: FfmThread,
  index: u32,
  rows: Rows,
  first: u32,
  numRows: u32,
  key: u32,
): bool {
  const toTile = thread.tiles + <usize>thread.numTiles * TILE;
  openBlock(thread, rows, first, numRows, key);
  for (let from: u32 = 0; from < numRows; from += BATCH_ROWS) {
    const partials = nextPartials(plan, thread);
    openBatch(thread, rows, first, numRows, key, from);
    locatePairs(plan, thread);
    openRepeats(plan, thread);
    touchBatch(plan, thread);

    // compute the partial scores of this thread's tiles
    for (let t = thread.tiles; t < toTile; t += TILE) {
      if (plan.accumulators) forward<u32>(plan, thread, changetype<Tile>(t), partials);
      else forward<u8>(plan, thread, changetype<Tile>(t), partials);
    }
    if (thread.linear) forwardWeights(plan, thread, partials);
    if (!takeGradients(plan, thread, index, partials)) return false;
    if (!thread.general && plan.normalize) scale(thread.gradients, thread.numRows, thread.unit);

    // takes one step for each pair of features of each row
    for (let t = thread.tiles; t < toTile; t += TILE) update(plan, thread, changetype<Tile>(t));
    clearRepeats(thread);
    if (thread.linear) updateWeights(plan, thread);
  }
  return true;
}

export function scoreBlock(
  plan: FfmPlan,
  thread: FfmThread,
  rows: Rows,
  first: u32,
  numRows: u32,
  scores: usize,
): f64 {
  const toTile = plan.tiles + <usize>plan.numTiles * TILE;
  const partials = thread.scorePartials;
  let loss: f64 = 0;
  openBlock(thread, rows, first, numRows, 0);
  for (let from: u32 = 0; from < numRows; from += BATCH_ROWS) {
    openBatch(thread, rows, first, numRows, 0, from);
    locatePairs(plan, thread);
    for (let t = plan.tiles; t < toTile; t += TILE) forward<u8>(plan, thread, changetype<Tile>(t), partials);
    forwardWeights(plan, thread, partials);
    loss = scoreBatch(plan, thread, scores + ((<usize>(first + from)) << 2), loss);
  }
  return loss;
}

function slicesOf(plan: FfmPlan): u32 {
  return (plan.numFeatures + RUN - 1) / RUN;
}

/**
 * Draws the initial v of one slice of features by a hash of (seed, feature's hash, partner field's hash, dimension). A
 * feature that no training row holds is 0 and stays 0, and so does the vector for its own field, unless a row may hold
 * several features of it.
 */
export function initialize(
  plan: FfmPlan,
  slice: u32,
  hashes: usize,
  counts: usize,
  seed: u32,
  spread: f32,
): void {
  if (slice == slicesOf(plan)) {
    startWeights(plan);
    return;
  }
  const to = min((slice + 1) * RUN, plan.numFeatures);
  for (let i = <usize>slice * RUN; i < to; i++) {
    const own = load<u32>(plan.fieldOf + (i << 2));
    const key = featureKey(seed, hashes + (i << 3));
    const trained = load<u32>(counts + (i << 2)) != 0;
    for (let f: u32 = 0; f < plan.numFields; f++) {
      const p = vectorOf(plan, i, f);
      const field = plan.fields + ((<usize>f) << 3);
      const meets = trained && (f != own || load<u32>(field, 4) != 0);
      const partner = draw(key, load<u32>(field));
      for (let d: u32 = 0; d < plan.numQuads << 2; d++) {
        // dimensions beyond dim are padding and stay 0
        store<f32>(at(plan, p, d), meets && d < plan.dim ? firstValue(partner, d, spread) : 0);
        if (!plan.accumulators) startState(plan, at(plan, p, d), 16);
      }
    }
    for (let block: u32 = 0; plan.accumulators && block < plan.numBlocks; block++) {
      const place = placeOf(plan, own / plan.blockFields, block);
      store<f32>(accumulatorAt(plan, place) + i * accumulatorStride(plan, place), 1);
    }
  }
}

/** Returns the address of v_(i, f): feature i's vector for partner field f. */
function vectorOf(plan: FfmPlan, i: usize, f: u32): usize {
  const place = placeOf(plan, load<u32>(plan.fieldOf + (i << 2)) / plan.blockFields, f / plan.blockFields);
  return (
    vectorsAt(plan, place) + i * strideAt(plan, place) + <usize>(f % plan.blockFields) * bytesOfPartner(plan)
  );
}

function at(plan: FfmPlan, vector: usize, d: u32): usize {
  return vector + <usize>(d >> 2) * <usize>plan.quadBytes + ((<usize>(d & 3)) << 2);
}

/** @param vectors f32[n][fields][dim] */
export function exportSlice(plan: FfmPlan, slice: u32, vectors: usize, w: usize): bool {
  if (slice == slicesOf(plan)) return exportWeights(plan, w);
  let check: f32 = 0; // x - x is 0 for a finite x, else NaN
  const to = min((slice + 1) * RUN, plan.numFeatures);
  let target = vectors + ((<usize>slice * RUN * plan.numFields * plan.dim) << 2);
  for (let i = <usize>slice * RUN; i < to; i++) {
    for (let f: u32 = 0; f < plan.numFields; f++) {
      const p = vectorOf(plan, i, f);
      for (let d: u32 = 0; d < plan.dim; d++, target += 4) {
        const value = load<f32>(at(plan, p, d));
        check += value - value;
        store<f32>(target, value);
      }
    }
  }
  return check == 0;
}

export function sumSquares(plan: FfmPlan, slice: u32): f64 {
  if (slice == slicesOf(plan)) return 0;
  let sum: f64 = 0;
  const to = min((slice + 1) * RUN, plan.numFeatures);
  for (let i = <usize>slice * RUN; i < to; i++) {
    for (let f: u32 = 0; f < plan.numFields; f++) {
      const p = vectorOf(plan, i, f);
      for (let d: u32 = 0; d < plan.dim; d++) {
        const value = <f64>load<f32>(at(plan, p, d));
        sum += value * value;
      }
    }
  }
  return sum;
}

export function importSlice(plan: FfmPlan, slice: u32, vectors: usize, w: usize): void {
  if (slice == slicesOf(plan)) {
    importWeights(plan, w);
    return;
  }
  const to = min((slice + 1) * RUN, plan.numFeatures);
  let source = vectors + ((<usize>slice * RUN * plan.numFields * plan.dim) << 2);
  for (let i = <usize>slice * RUN; i < to; i++) {
    for (let f: u32 = 0; f < plan.numFields; f++) {
      const p = vectorOf(plan, i, f);
      for (let d: u32 = 0; d < plan.dim; d++, source += 4) store<f32>(at(plan, p, d), load<f32>(source));
    }
  }
}
