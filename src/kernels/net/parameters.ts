// Addresses of a network's parameters and of the optimizers' state in the arena, and functions that read and write
// them.
//
//   NAME ──► f32[rows][columns], row-major, as `parameterShapes` has them ──► (row, column) ──► place in a region
//
// The state of a parameter NAME is called NAME:m and NAME:s (Adam's moments), NAME:n (sums of squares, which start at 1
// for AdaGrad and at 0 for FTRL) and NAME:z (FTRL).

import { ftrlZ } from "../../numeric/ftrl.js";
import { placedDense, placedMoments } from "../shared/dense.js";
import type { Arena, Region } from "../shared/memory.js";
import type { Placed } from "../shared/placed.js";
import type { NetLayout } from "./binding.js";
import { embeddingWidth, type NetLearning, type NetShape, numFeaturesOf } from "./shape.js";

/** Returns the locations of the parameters, keyed by the parameters' names. */
export function placedParameters(layout: NetLayout, shape: NetShape): Map<string, Placed> {
  const placed = new Map([["embeddings", embeddingsAt(layout, shape, 0)]]);
  if (layout.w0) placed.set("w0", single(layout.w0, 0));
  if (layout.wide) placed.set("wide", wideAt(layout.wide, shape, 0));
  for (const [name, where] of placedDense(layout.layers)) placed.set(name, where);
  return placed;
}

/**
 * Returns the locations of the optimizers' state, keyed by the names of the arrays; the network must be one that
 * learns.
 */
export function placedState(layout: NetLayout, shape: NetShape): Map<string, Placed> {
  const placed = new Map<string, Placed>();
  if (layout.embeddingPitch > layout.paddedWidth)
    placed.set("embeddings:n", embeddingsAt(layout, shape, layout.paddedWidth));
  if (layout.wide) {
    placed.set("wide:n", wideAt(layout.wide, shape, 1));
    placed.set("wide:z", wideAt(layout.wide, shape, 2));
  }
  if (layout.w0) {
    placed.set("w0:m", single(layout.w0, 4));
    placed.set("w0:s", single(layout.w0, 8));
  }
  for (const [name, where] of placedMoments(layout.layers)) placed.set(name, where);
  return placed;
}

function embeddingsAt({ embeddings, embeddingPitch }: NetLayout, shape: NetShape, behind: number): Placed {
  const at = (row: number, column: number): number => row * embeddingPitch + behind + column;
  return { rows: numFeaturesOf(shape), columns: embeddingWidth(shape), region: embeddings, at };
}

function wideAt(region: Region, shape: NetShape, behind: number): Placed {
  const rows = numFeaturesOf(shape) + shape.numCrosses;
  return { rows, columns: 1, region, at: (row) => 4 * row + behind };
}

function single(region: Region, place: number): Placed {
  return { rows: 1, columns: 1, region, at: () => place };
}

/**
 * Sets the optimizers' state to its initial values. The padding is included, because a step of it would otherwise be 0
 * / 0.
 */
export function startState(arena: Arena, layout: NetLayout): void {
  const { embeddings, paddedWidth, embeddingPitch } = layout;
  if (embeddingPitch === paddedWidth) return;
  const numbers = arena.f32(embeddings);
  for (let at = paddedWidth; at < numbers.length; at += embeddingPitch) numbers.fill(1, at, at + paddedWidth);
}

/**
 * Sets FTRL's state z in the wide part so that it gives the current weights; must be called after weights were written.
 */
export function alignWide(
  arena: Arena,
  { wide }: NetLayout,
  { wideLearningRate: learningRate, wideL1: l1, wideL2: l2 }: NetLearning,
): void {
  if (!wide || learningRate === 0) return;
  const numbers = arena.f32(wide);
  for (let at = 0; at < numbers.length; at += 4) {
    numbers[at + 2] = ftrlZ(numbers[at]!, numbers[at + 1]!, { learningRate, l1, l2 });
  }
}
